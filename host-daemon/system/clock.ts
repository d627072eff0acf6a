import { setTimeout as delay } from 'node:timers/promises'
import type { Clock } from '../../src-shared/lib/clock.ts'

/** The host's own clock and timers. */
export class SystemClock implements Clock {
  now(): number {
    return Date.now()
  }

  monotonicMs(): number {
    return performance.now()
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    signal?.throwIfAborted()
    if (signal === undefined) await delay(ms)
    else await delayUntil(signal, ms)
  }
}

/** Rejects with the signal's own reason; the runtime's would make a new error with its stack for each. */
function delayUntil(signal: AbortSignal, ms: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer)
      reject(signal.reason as Error)
    }
    const timer = setTimeout(() => {
      signal.removeEventListener('abort', abort)
      resolve()
    }, ms)
    signal.addEventListener('abort', abort, { once: true })
  })
}

/** Answers the milliseconds since it was started, whatever becomes of the host's clock meanwhile. */
export function startStopwatch(clock: Clock): () => number {
  const startedAt = clock.monotonicMs()
  return () => clock.monotonicMs() - startedAt
}
