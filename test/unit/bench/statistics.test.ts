import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { measurePairs, runPaired } from '../../bench/lib/paired-run.ts'
import {
  bootstrapMedian,
  comparePairs,
  median,
  quantile,
  seededFractions,
  spreadOf,
} from '../../bench/lib/statistics.ts'

describe('quantiles', () => {
  it('lie between neighbours', () => {
    expect(median([3, 1, 2])).toBe(2)
    expect(median([4, 1, 2, 3])).toBe(2.5)
    expect(quantile([10, 20], 0.25)).toBe(12.5)
    expect(quantile([7], 0.975)).toBe(7)
    expect(() => median([])).toThrow(RangeError)
  })

  it('leave their input as it was', () => {
    const values = [3, 1, 2]
    median(values)
    expect(values).toEqual([3, 1, 2])
  })
})

describe('the bootstrap', () => {
  it('answers the same for the same values', () => {
    const values = [1, 1.1, 0.9, 1.05, 0.97, 1.2, 1.01]
    expect(bootstrapMedian(values)).toEqual(bootstrapMedian(values))
    expect(bootstrapMedian(values, 1)).toEqual(bootstrapMedian(values, 1))
  })

  it('encloses the median and stays within the values', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: 0.1, max: 10, noNaN: true }), { minLength: 3, maxLength: 15 }),
        (values) => {
          const { low, high } = bootstrapMedian(values)
          const middle = median(values)
          return low <= middle && middle <= high && low >= Math.min(...values) && high <= Math.max(...values)
        },
      ),
      { numRuns: 10 },
    )
  })

  it('finds the true median in about 95 of 100 samples', () => {
    const fraction = seededFractions(7)
    const trials = 100
    let hits = 0
    for (let trial = 0; trial < trials; trial += 1) {
      // Uniform on [0.5, 1.5): the true median is 1.
      const { low, high } = bootstrapMedian(
        Array.from({ length: 15 }, () => 0.5 + fraction()),
        trial,
      )
      if (low <= 1 && 1 <= high) hits += 1
    }
    expect(hits).toBeGreaterThanOrEqual(88)
  }, 60_000)

  it('draws evenly', () => {
    const fraction = seededFractions(1)
    const counts = new Array<number>(10).fill(0)
    for (let draw = 0; draw < 10_000; draw += 1) counts[Math.floor(fraction() * 10)]! += 1
    for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150)
  })
})

describe('pairs', () => {
  it('are measured A B B A', async () => {
    const order: string[] = []
    const note = (name: string, value: number) => () => Promise.resolve((order.push(name), value))
    const pairs = await measurePairs(4, note('A', 2), note('B', 1))
    expect(order.join('')).toBe('ABBAABBA')
    expect(pairs).toEqual(Array(4).fill({ reference: 2, ours: 1 }))
  })

  it('cancel out what slows both down', () => {
    const drifting = [1, 5, 20, 3, 9].map((load) => ({ reference: load, ours: load * 0.8 }))
    const { value, ci95 } = comparePairs(drifting)
    expect(value).toBeCloseTo(0.8)
    expect(ci95.high - ci95.low).toBeCloseTo(0)
  })

  it('tell how far the reference lies from itself', () => {
    expect(spreadOf({ value: 1, ci95: { low: 0.85, high: 1.05 }, pairs: 15, ratios: [] })).toBeCloseTo(0.15)
  })
})

describe('a run', () => {
  const quiet = {
    pairs: 15,
    warmUps: 2,
    bench: 'b',
    metric: 'm',
    measuredIn: 'ms',
    details: () => ({ note: 1 }),
    onProgress: () => undefined,
  }

  it('ends with one line', async () => {
    const line = await runPaired({ ...quiet, reference: () => Promise.resolve(10), ours: () => Promise.resolve(8) })
    expect(line).toEqual({
      bench: 'b',
      metric: 'm',
      value: 0.8,
      unit: 'ratio',
      ci95: [0.8, 0.8],
      pairs: 15,
      details: {
        measuredIn: 'ms',
        reference: 10,
        ours: 8,
        referenceAgainstItself: { value: 1, ci95: [1, 1], spread: 0 },
        note: 1,
      },
    })
  })

  it('says inconclusive where the reference does not agree with itself', async () => {
    let calls = 0
    const restless = () => Promise.resolve((calls += 1) % 3 === 0 ? 30 : 10)
    const line = await runPaired({ ...quiet, reference: restless, ours: () => Promise.resolve(8) })
    expect(line.inconclusive).toBe(true)
  })
})
