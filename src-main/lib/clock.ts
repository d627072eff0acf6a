import { randomBytes } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { Clock, RandomSource } from '../../src-shared/lib/clock.ts'

/** The machine's clock. A sleep does not keep the process alive by itself. */
export const systemClock: Clock = {
  now: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: async (ms, signal) => {
    try {
      await delay(ms, undefined, { ref: false, ...(signal === undefined ? {} : { signal }) })
    } catch (error) {
      throw signal?.aborted === true ? signal.reason : error
    }
  },
}

export const systemRandom: RandomSource = {
  hex: (bytes) => randomBytes(bytes).toString('hex'),
  fraction: () => Math.random(),
}
