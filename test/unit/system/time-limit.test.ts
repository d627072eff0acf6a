import { describe, expect, it } from 'vitest'
import { TimeLimit } from '../../../host-daemon/system/time-limit.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

describe('TimeLimit', () => {
  it('aborts its signal when so much time has passed, whatever the clock is set to meanwhile', async () => {
    const clock = new ManualClock()
    const limit = new TimeLimit(clock, 100)
    clock.set(3_600_000)
    clock.advance(99)
    await settle()
    expect(limit.isOver).toBe(false)
    clock.advance(1)
    await settle()
    expect(limit.isOver).toBe(true)
    expect(() => limit.signal.throwIfAborted()).toThrow('It did not end within 100 ms.')
  })

  it('aborts nothing once it was disposed of, and leaves no timer', async () => {
    const clock = new ManualClock()
    let signal: AbortSignal
    {
      using limit = new TimeLimit(clock, 100)
      signal = limit.signal
    }
    await settle()
    expect(clock.sleeperCount).toBe(0)
    clock.advance(1_000)
    await settle()
    expect(signal.aborted).toBe(false)
  })
})
