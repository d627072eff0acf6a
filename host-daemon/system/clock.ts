import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../../src-shared/lib/clock.ts'

/** The host's own clock and timers. */
export class SystemClock implements Clock {
  now(): number {
    return Date.now()
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    try {
      await delay(ms, undefined, signal === undefined ? {} : { signal })
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    }
  }
}

/** Answers the milliseconds since it was started, whatever becomes of the host's clock meanwhile. */
export function startStopwatch(): () => number {
  const startedAt = performance.now()
  return () => performance.now() - startedAt
}
