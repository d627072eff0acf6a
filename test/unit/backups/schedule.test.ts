import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  afterCancel,
  afterFailure,
  afterSuccess,
  firstAt,
  fractionOf,
  isDueAgain,
  notTooFar,
  spacingMs,
} from '../../../host-daemon/backups/schedule.ts'
import type { EnvironmentId } from '../../../src-shared/model/ids.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const NOW = 1_800_000_000_000
const idOf = (number: number) => `env-${number.toString(16).padStart(8, '0')}` as EnvironmentId
const hourly = { id: idOf(7), intervalMs: HOUR }

describe('when a backup is due', () => {
  it('is the interval and up to a tenth of it after the one before, always the same for an environment', () => {
    fc.assert(
      fc.property(fc.nat(0xffff_ffff), fc.integer({ min: 5 * MINUTE, max: 31 * 24 * HOUR }), (number, intervalMs) => {
        const spacing = spacingMs(idOf(number), intervalMs)
        expect(spacing).toBeGreaterThanOrEqual(intervalMs)
        expect(spacing).toBeLessThanOrEqual(intervalMs * 1.1 + 1)
        expect(spacingMs(idOf(number), intervalMs)).toBe(spacing)
        expect(afterSuccess({ id: idOf(number), intervalMs }, NOW)).toBe(NOW + spacing)
      }),
    )
  })

  it('is spread evenly, over ids given in a row as well', () => {
    const tenths = new Array<number>(10).fill(0)
    for (let number = 0; number < 1_000; number += 1) tenths[Math.floor(fractionOf(idOf(number)) * 10)]! += 1
    for (const count of tenths) expect(count).toBeGreaterThan(60)
  })

  it('is soon for the first one, however long the interval', () => {
    for (let number = 0; number < 100; number += 1) {
      const at = firstAt({ id: idOf(number), intervalMs: 31 * 24 * HOUR }, NOW)
      expect(at - NOW).toBeGreaterThanOrEqual(0)
      expect(at - NOW).toBeLessThanOrEqual(5 * MINUTE)
    }
  })

  it('backs off after failures, up to the interval', () => {
    const waits = [1, 2, 3, 4, 5, 6, 1000].map((failures) => (afterFailure(hourly, failures, NOW) - NOW) / MINUTE)
    expect(waits).toEqual([5, 10, 20, 40, 60, 60, 60])
    expect(afterFailure({ ...hourly, intervalMs: 5 * MINUTE }, 9, NOW) - NOW).toBe(5 * MINUTE)
  })

  it('is made up for soon after it gave way', () => {
    expect(afterCancel(hourly, NOW) - NOW).toBe(5 * MINUTE)
  })

  it('is never further ahead than one spacing, whatever the clock was', () => {
    expect(notTooFar(hourly, NOW + 365 * 24 * HOUR, NOW)).toBe(NOW + spacingMs(hourly.id, HOUR))
    expect(notTooFar(hourly, NOW - 365 * 24 * HOUR, NOW)).toBe(NOW - 365 * 24 * HOUR)
  })

  it('comes again after the spacing, and at once after a time of another clock', () => {
    expect(isDueAgain(hourly, NOW - HOUR + 1, NOW)).toBe(false)
    expect(isDueAgain(hourly, NOW - 2 * HOUR, NOW)).toBe(true)
    expect(isDueAgain(hourly, NOW + MINUTE, NOW)).toBe(false)
    expect(isDueAgain(hourly, NOW + 24 * HOUR, NOW)).toBe(true)
  })
})
