import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { endOffsetOf, firstKeptOffset, gapAt, nextGapAfter, normaliseGaps } from '../../../host-daemon/consoles/gaps.ts'
import type { ConsoleGap } from '../../../src-shared/model/console.ts'

const gap = (offset: number, length: number | null): ConsoleGap => ({ offset, length, reason: 'retention' })
const gaps = fc.array(
  fc.record({
    offset: fc.nat(50),
    length: fc.option(fc.integer({ min: 1, max: 20 })),
    reason: fc.constantFrom('retention' as const, 'space_exhausted' as const),
  }),
  { maxLength: 8 },
)

describe('gaps', () => {
  it('cover the same bytes when normalised, in order and without overlaps', () => {
    fc.assert(
      fc.property(gaps, (recorded) => {
        const normal = normaliseGaps(recorded)
        const isLost = (list: readonly ConsoleGap[], offset: number): boolean => gapAt(list, offset) !== undefined
        for (let offset = 0; offset < 80; offset += 1) expect(isLost(normal, offset)).toBe(isLost(recorded, offset))
        for (const [index, one] of normal.entries()) {
          const next = normal[index + 1]
          if (next !== undefined) expect(one.offset + (one.length ?? 0)).toBeLessThanOrEqual(next.offset)
        }
        expect(endOffsetOf(normal, 0)).toBe(endOffsetOf(recorded, 0))
      }),
    )
  })

  it('keep one of unknown length between two kept bytes, and forget it when both are gone', () => {
    expect(normaliseGaps([gap(0, 10), gap(10, null)])).toEqual([gap(0, 10), gap(10, null)])
    expect(normaliseGaps([gap(5, null), gap(0, 10)])).toEqual([gap(0, 10)])
    expect(gapAt([gap(5, null)], 5)).toBeUndefined()
    expect(nextGapAfter([gap(5, null)], 2)).toBe(5)
    expect(nextGapAfter([gap(5, null)], 5)).toBe(Number.POSITIVE_INFINITY)
  })

  it('say where the kept bytes begin', () => {
    expect(firstKeptOffset([])).toBe(0)
    expect(firstKeptOffset([gap(3, 4)])).toBe(0)
    expect(firstKeptOffset([gap(0, 4), gap(4, 4)])).toBe(8)
  })
})
