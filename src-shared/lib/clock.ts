/** Wall-clock and timers as a dependency, so that tests own the time. Times are milliseconds since the epoch. */
export interface Clock {
  now(): number
  /** Milliseconds since some fixed moment, whatever the host's clock is set to meanwhile. */
  monotonicMs(): number
  /** Resolves after `ms`, or rejects with the signal's reason when it is aborted first. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
}

/** Unpredictable bytes as a dependency, so that tests own the ids. */
export interface RandomSource {
  /** `bytes` random bytes as lower-case hex (twice as many characters). */
  hex(bytes: number): string
  /** A number in [0, 1). */
  fraction(): number
}
