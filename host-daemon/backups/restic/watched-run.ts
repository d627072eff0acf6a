import type { Clock } from '../../../src-shared/lib/clock.ts'
import { processTransfer, type ProcessIdentity } from '../../system/processes.ts'
import { watchForStall } from './stall-watch.ts'

export interface WatchOptions {
  readonly idleMs: number
  /** What the run ends with when it is stuck, by the end of what it had complained of until then. */
  readonly whenStuck: (lastWords: string) => Error
}

const LAST_WORDS = 4096

/** One run of restic under a deadline for progress: `stalled` is aborted when it is stuck. */
export class WatchedRun implements Disposable {
  private readonly over = new AbortController()
  private readonly stall = new AbortController()
  private process: ProcessIdentity | undefined
  private toldBytes = 0
  private lastWords = ''

  constructor(clock: Clock, { idleMs, whenStuck }: WatchOptions) {
    void watchForStall({
      clock,
      idleMs,
      movedBytes: () => this.movedBytes(),
      onStall: () => this.stall.abort(whenStuck(this.lastWords)),
      signal: this.over.signal,
    })
  }

  get stalled(): AbortSignal {
    return this.stall.signal
  }

  /** Until it is told of a process, the run counts as making no progress. */
  watch(process: ProcessIdentity): void {
    this.process = process
  }

  /** A part of what it writes to stderr, in order: no progress either. */
  hear(chunk: Buffer): void {
    this.toldBytes += chunk.length
    this.lastWords = (this.lastWords + chunk.toString('utf8')).slice(-LAST_WORDS)
  }

  /** The same chunks: what restic tells of its progress is no progress. */
  async *counted(chunks: AsyncIterable<Buffer>): AsyncGenerator<Buffer> {
    for await (const chunk of chunks) {
      this.toldBytes += chunk.length
      yield chunk
    }
  }

  [Symbol.dispose](): void {
    this.over.abort()
  }

  private async movedBytes(): Promise<number | undefined> {
    const transfer = this.process === undefined ? undefined : await processTransfer(this.process.pid)
    return transfer === undefined ? undefined : transfer.readBytes + transfer.writtenBytes - this.toldBytes
  }
}
