import type { Clock } from '../../src-shared/lib/clock.ts'

/** How far the host's clock may run ahead of real time from one look to the next without being doubted. */
const LEAP_MS = 5 * 60_000
/** How much real time there is to set a clock right. */
const DOUBT_MS = 60 * 60_000

interface Look {
  readonly wall: number
  readonly real: number
}

/** Deadlines after the one and not after the other were not seen to pass. */
interface Doubt {
  readonly after: number
  readonly upTo: number
  /** In real time. */
  readonly endsAt: number
}

/**
 * Knows which deadlines a clock that was set forward has brought about. Those that had passed when it began to look are
 * doubted for an hour of real time; and after a leap, every one that had not passed before it. In real time a host does not
 * sleep: one that wakes has leapt.
 */
export class ClockLeaps {
  private readonly clock: Clock
  private last: Look | undefined
  private doubts: readonly Doubt[] = []

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** To be called again and again: leaps are seen between two calls. */
  look(): void {
    const [wall, real] = [this.clock.now(), this.clock.monotonicMs()]
    const endsAt = real + DOUBT_MS
    const expected = this.last === undefined ? undefined : this.last.wall + real - this.last.real
    this.last = { wall, real }
    this.doubts = this.doubts.filter((doubt) => doubt.endsAt > real)
    if (expected === undefined) this.doubts = [{ after: -Infinity, upTo: wall, endsAt }]
    else if (wall - expected > LEAP_MS) this.doubts = [...this.doubts, { after: expected, upTo: Infinity, endsAt }]
  }

  /** As far as time has passed without a doubt as of the last look, on the host's clock; -Infinity where it is not known. */
  passedAt(): number {
    return Math.min(this.last?.wall ?? -Infinity, ...this.doubts.map(({ after }) => after))
  }

  /** For how much longer, in real milliseconds, that deadline is doubted as of the last look; 0 where it is not. */
  doubtMs(deadline: number): number {
    const real = this.last?.real ?? 0
    const doubted = this.doubts.filter(({ after, upTo }) => deadline > after && deadline <= upTo)
    return Math.max(0, ...doubted.map(({ endsAt }) => endsAt - real))
  }
}
