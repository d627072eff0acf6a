import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { backoffMs } from '../../../src-shared/lib/backoff.ts'
import { DisposableStore } from '../../../src-shared/lib/disposable.ts'
import { plainText } from '../../../src-shared/lib/strict-text.ts'
import { ROLES, roleIncludes } from '../../../src-shared/model/role.ts'

describe('backoffMs', () => {
  it('stays within half and the whole of its step, and under the cap', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 500 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (attempt, fraction) => {
          const delay = backoffMs(attempt, fraction, { firstMs: 500, capMs: 30_000 })
          const step = Math.min(30_000, 500 * 2 ** (attempt - 1))
          expect(delay).toBeGreaterThanOrEqual(Math.floor(step / 2))
          expect(delay).toBeLessThanOrEqual(step)
        },
      ),
    )
  })
})

describe('DisposableStore', () => {
  it('disposes newest first, once, and late arrivals at once', () => {
    const order: number[] = []
    const store = new DisposableStore()
    store.defer(() => order.push(1))
    store.defer(() => order.push(2))
    store.dispose()
    store.dispose()
    store.defer(() => order.push(3))
    expect(order).toEqual([2, 1, 3])
  })
})

describe('plainText', () => {
  it('refuses control and bidirectional characters wherever they stand', () => {
    const deceptive = fc.constantFrom(
      '\u0000',
      '\n',
      '\u001b',
      '\u007f',
      '\u0085',
      '\u202e',
      '\u2028',
      '\u2029',
      '\u2066',
      '\u200f',
      '\ufeff',
    )
    fc.assert(
      fc.property(fc.string(), deceptive, fc.string(), (before, bad, after) => {
        expect(plainText(10_000).safeParse(before + bad + after).success).toBe(false)
      }),
    )
  })
})

describe('roleIncludes', () => {
  it('is the order viewer < operator < admin', () => {
    const table = ROLES.map((held) => ROLES.map((needed) => roleIncludes(held, needed)))
    expect(table).toEqual([
      [true, false, false],
      [true, true, false],
      [true, true, true],
    ])
  })
})
