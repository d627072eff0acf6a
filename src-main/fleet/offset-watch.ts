import type { Clock } from '../../src-shared/lib/clock.ts'

/** What a host says of its time is this old at most, in milliseconds; beyond it a clock was set, its or ours. */
const DOUBT_MS = 10_000
/** A host that is behind with its looks, and whose clock was not set, is not asked again for so long, in milliseconds. */
const QUIET_MS = 60_000

interface OffsetWatchOptions {
  readonly clock: Clock
  /** Asks the daemon for its time now. */
  readonly ask: () => Promise<{ readonly now: number }>
  readonly onMeasured: (offsetMs: number) => void
}

/** Daemon's clock − ours, in milliseconds, as good as the time that the answer took. Rejects as `ask` does. */
export async function measureOffset<T extends { readonly now: number }>(
  clock: Clock,
  ask: () => Promise<T>,
): Promise<{ readonly answer: T; readonly offsetMs: number }> {
  const askedAt = clock.now()
  const answer = await ask()
  return { answer, offsetMs: Math.round(answer.now - (askedAt + clock.now()) / 2) }
}

/** Measures the difference of the clocks anew when what the host says does not go with it any more. */
export class OffsetWatch {
  private readonly options: OffsetWatchOptions
  private isMeasuring = false
  private quietUntil = Number.NEGATIVE_INFINITY

  constructor(options: OffsetWatchOptions) {
    this.options = options
  }

  /** A time that the host has just told, and the difference that is believed in. Never throws. */
  heard(hostTime: number, believedMs: number): void {
    const { clock } = this.options
    const isDoubtful = Math.abs(hostTime - clock.now() - believedMs) > DOUBT_MS
    if (isDoubtful && !this.isMeasuring && clock.monotonicMs() >= this.quietUntil) void this.measure(believedMs)
  }

  /** What cannot be asked now is asked at the next word. */
  private async measure(believedMs: number): Promise<void> {
    const { clock, ask, onMeasured } = this.options
    this.isMeasuring = true
    try {
      const { offsetMs } = await measureOffset(clock, ask)
      if (Math.abs(offsetMs - believedMs) <= DOUBT_MS) this.quietUntil = clock.monotonicMs() + QUIET_MS
      onMeasured(offsetMs)
    } catch {
      // The link tells by itself when it is lost.
    } finally {
      this.isMeasuring = false
    }
  }
}
