import type { Clock } from '../../src-shared/lib/clock.ts'
import type { OperationProgress } from '../../src-shared/model/operation.ts'
import type { StepProgress } from './step.ts'

/** At most so often is anyone told. */
const TELL_EVERY_MS = 400
/** The rate is that of the last so many milliseconds. */
const RATE_OVER_MS = 5_000

interface Sample {
  /** In real time: a clock that is set neither stops the telling nor spoils the rate. */
  readonly at: number
  readonly doneBytes: number
}

/** Turns what a step says of its progress into what is shown: seldom enough, never going back, with a rate. */
export class ProgressMeter {
  private readonly clock: Clock
  private readonly tell: (progress: OperationProgress | null) => void
  private samples: Sample[] = []
  private toldAt = Number.NEGATIVE_INFINITY
  private most = 0
  private isOver = false

  constructor(clock: Clock, tell: (progress: OperationProgress | null) => void) {
    this.clock = clock
    this.tell = tell
  }

  report({ doneBytes, totalBytes = null, doneFiles = null, totalFiles = null }: StepProgress): void {
    const at = this.clock.monotonicMs()
    this.most = Math.max(this.most, Math.round(doneBytes))
    if (this.isOver || at - this.toldAt < TELL_EVERY_MS) return
    this.toldAt = at
    this.samples = [...this.samples.filter((sample) => at - sample.at <= RATE_OVER_MS), { at, doneBytes: this.most }]
    this.tell({ doneBytes: this.most, totalBytes, doneFiles, totalFiles, bytesPerSecond: this.rate() })
  }

  /** Nothing is told afterwards. */
  end(): void {
    if (this.isOver) return
    this.isOver = true
    this.tell(null)
  }

  private rate(): number | null {
    const [first, last] = [this.samples[0], this.samples.at(-1)]
    if (first === undefined || last === undefined || last.at <= first.at) return null
    return Math.round(((last.doneBytes - first.doneBytes) * 1000) / (last.at - first.at))
  }
}
