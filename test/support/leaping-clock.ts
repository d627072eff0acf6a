import { ManualClock } from './manual-clock.ts'

/** Time that passes by itself a little, so that whatever waits for it goes on, and in leaps when a test says so. */
export class LeapingClock extends ManualClock {
  private readonly ticking = setInterval(() => this.advance(5), 1)

  stop(): void {
    clearInterval(this.ticking)
  }

  /** What it says, not what anybody waits for. */
  leap(ms: number): void {
    this.offset += ms
  }

  private offset = 0

  override now(): number {
    return super.now() + this.offset
  }
}
