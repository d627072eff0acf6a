import { describe, expect, it } from 'vitest'
import { watchForStall } from '../../../../host-daemon/backups/restic/stall-watch.ts'
import { ManualClock } from '../../../support/manual-clock.ts'

/** A watch of 20 s over a program whose bytes a test sets; `look` lets one of its twenty looks pass. */
function watched() {
  const clock = new ManualClock()
  const over = new AbortController()
  const seen = { bytes: 0 as number | undefined, stalls: 0 }
  const movedBytes = () => Promise.resolve(seen.bytes)
  const options = { clock, idleMs: 20_000, movedBytes, onStall: () => (seen.stalls += 1), signal: over.signal }
  const ended = watchForStall(options)
  const look = async (times = 1): Promise<void> => {
    for (let count = 0; count < times; count += 1) {
      clock.advance(1000)
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  return { seen, look, over, ended }
}

describe('the watch for stalls', () => {
  it('calls once when nothing moves for all of the time, and not before', async () => {
    const { seen, look, ended } = watched()
    await look(19)
    expect(seen.stalls).toBe(0)
    await look()
    await ended
    expect(seen.stalls).toBe(1)
  })

  it('counts anew after progress, and takes idling for none', async () => {
    const { seen, look, ended } = watched()
    await look(19)
    seen.bytes = 5000
    await look()
    await look(19)
    expect(seen.stalls).toBe(0)
    seen.bytes = 5500
    await look()
    await ended
    expect(seen.stalls).toBe(1)
  })

  it('counts a program that cannot be looked at as still', async () => {
    const { seen, look, ended } = watched()
    seen.bytes = undefined
    await look(20)
    await ended
    expect(seen.stalls).toBe(1)
  })

  it('ends with the run', async () => {
    const { seen, over, ended } = watched()
    over.abort()
    await ended
    expect(seen.stalls).toBe(0)
  })
})
