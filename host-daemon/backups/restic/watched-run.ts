import type { Clock } from '../../../src-shared/lib/clock.ts'
import { processTransfer, type ProcessIdentity } from '../../system/processes.ts'
import { ResticFailure } from './failure.ts'
import { watchForStall } from './stall-watch.ts'

/** One run of restic under a deadline for progress: `stalled` is aborted with a `ResticFailure` when it is stuck. */
export class WatchedRun implements Disposable {
  private readonly over = new AbortController()
  private readonly stall = new AbortController()
  private process: ProcessIdentity | undefined
  private toldBytes = 0

  constructor(clock: Clock, { verb, idleMs }: { readonly verb: string; readonly idleMs: number }) {
    const says = `it made no progress for ${Math.round(idleMs / 1000)} s and was stopped`
    void watchForStall({
      clock,
      idleMs,
      movedBytes: () => this.movedBytes(),
      onStall: () => this.stall.abort(new ResticFailure('timed_out', { verb, says })),
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
