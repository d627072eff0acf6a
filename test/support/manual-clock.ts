import type { Clock } from '../../src-shared/lib/clock.ts'

interface Sleeper {
  readonly until: number
  readonly wake: () => void
}

/** Time that passes only when a test says so. */
export class ManualClock implements Clock {
  private time: number
  /** How far it was set away from the time that has passed. */
  private setBy = 0
  private readonly sleepers = new Set<Sleeper>()

  constructor(startAt = 1_700_000_000_000) {
    this.time = startAt
  }

  now(): number {
    return this.time + this.setBy
  }

  monotonicMs(): number {
    return this.time
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason as Error)
        return
      }
      const give = () => {
        this.sleepers.delete(sleeper)
        reject(signal?.reason as Error)
      }
      const wake = () => {
        signal?.removeEventListener('abort', give)
        resolve()
      }
      const sleeper = { until: this.time + ms, wake }
      this.sleepers.add(sleeper)
      signal?.addEventListener('abort', give, { once: true })
    })
  }

  /** How many wait for the time to pass. */
  get sleeperCount(): number {
    return this.sleepers.size
  }

  /** Sets the time of day to another, as somebody may do to a host; no time passes. */
  set(byMs: number): void {
    this.setBy += byMs
  }

  /** Wakes, in order, everybody whose time has come. */
  advance(ms: number): void {
    this.time += ms
    const due = [...this.sleepers].filter(({ until }) => until <= this.time).sort((a, b) => a.until - b.until)
    for (const sleeper of due) {
      this.sleepers.delete(sleeper)
      sleeper.wake()
    }
  }
}
