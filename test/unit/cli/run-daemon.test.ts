import { describe, expect, it } from 'vitest'
import { runDaemon } from '../../../host-daemon/cli/run-daemon.ts'
import { loadSettings } from '../../../host-daemon/config/settings.ts'
import { StartRefusal } from '../../../host-daemon/config/start-refusal.ts'
import type { Clock } from '../../../src-shared/lib/clock.ts'

const settings = { ...(await loadSettings({ environment: {} })), logLevel: 'silent' as const }

/** Time that stands still until it is asked to sleep, and then is over at once; remembers for how long. */
function impatientClock(slept: number[]): Clock {
  return {
    now: () => 0,
    monotonicMs: () => 0,
    sleep: (ms) => {
      slept.push(ms)
      return Promise.resolve()
    },
  }
}

describe('running the daemon', () => {
  it('does not wait for an end that takes longer than shutdownMs', async () => {
    const slept: number[] = []
    const exits: number[] = []
    const code = await runDaemon(
      { ...settings, deadlines: { ...settings.deadlines, shutdownMs: 4_321 } },
      {
        clock: impatientClock(slept),
        exit: (exitCode) => exits.push(exitCode),
        start: () => {
          setImmediate(() => process.emit('SIGTERM'))
          return Promise.resolve({ stop: () => new Promise<void>(() => undefined) })
        },
      },
    )
    expect([code, exits, slept]).toEqual([0, [0], [4_321]])
  })

  it('answers 1 when it may not start', async () => {
    const start = () => Promise.reject(new StartRefusal('another one runs'))
    expect(await runDaemon(settings, { clock: impatientClock([]), exit: () => undefined, start })).toBe(1)
  })
})
