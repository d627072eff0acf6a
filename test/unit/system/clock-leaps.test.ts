import { beforeEach, describe, expect, it } from 'vitest'
import { ClockLeaps } from '../../../host-daemon/system/clock-leaps.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR

describe('the leaps of a clock', () => {
  let clock: ManualClock
  let leaps: ClockLeaps
  let begin: number

  beforeEach(() => {
    clock = new ManualClock()
    leaps = new ClockLeaps(clock)
    begin = clock.now()
    leaps.look()
  })

  /** Past the doubt of the beginning. */
  function settle(): number {
    clock.advance(2 * HOUR)
    leaps.look()
    return clock.now()
  }

  it('doubt for an hour what had passed at the beginning, and nothing that passes later', () => {
    expect([begin - DAY, begin, begin + 1].map((deadline) => leaps.doubtMs(deadline))).toEqual([HOUR, HOUR, 0])
    clock.advance(HOUR - 1)
    leaps.look()
    expect(leaps.doubtMs(begin)).toBe(1)
    clock.advance(1)
    leaps.look()
    expect(leaps.doubtMs(begin)).toBe(0)
  })

  it.each([0, 5 * MINUTE, -DAY])('are none where the clock is set by %d ms, however long nobody looks', (byMs) => {
    settle()
    clock.advance(3 * DAY)
    clock.set(byMs)
    leaps.look()
    expect([begin, clock.now(), clock.now() + DAY].map((deadline) => leaps.doubtMs(deadline))).toEqual([0, 0, 0])
  })

  it('doubt for an hour all that had not passed before, by the time that has really passed', () => {
    const settled = settle()
    clock.advance(MINUTE)
    clock.set(5 * MINUTE + 1)
    leaps.look()
    const passed = settled + MINUTE
    expect([passed, passed + 1, passed + DAY].map((deadline) => leaps.doubtMs(deadline))).toEqual([0, HOUR, HOUR])
    clock.advance(HOUR)
    leaps.look()
    expect(leaps.doubtMs(passed + 1)).toBe(0)
  })

  it('let time pass no further than it has really passed, for an hour', () => {
    expect(leaps.passedAt()).toBe(-Infinity)
    const settled = settle()
    expect(leaps.passedAt()).toBe(settled)
    clock.advance(MINUTE)
    clock.set(DAY)
    leaps.look()
    expect(leaps.passedAt()).toBe(settled + MINUTE)
    clock.advance(HOUR)
    leaps.look()
    expect(leaps.passedAt()).toBe(clock.now())
  })

  it('are each doubted for an hour of their own', () => {
    const settled = settle()
    clock.set(DAY)
    leaps.look()
    clock.advance(HOUR / 2)
    clock.set(DAY)
    leaps.look()
    expect([settled + HOUR / 4, settled + 3 * DAY].map((deadline) => leaps.doubtMs(deadline))).toEqual([HOUR / 2, HOUR])
  })
})
