import type { Clock } from '../../src-shared/lib/clock.ts'

/** One for all: nobody sees it. */
const DISPOSED = new Error('The limit is not needed any more.')

/**
 * A signal that is aborted once `limitMs` milliseconds of the clock's time have passed, unless the limit is disposed of
 * before. What it bounds ends only by heeding it; see `withDeadline` for what may not. Dispose of it, or its timer runs on.
 */
export class TimeLimit implements Disposable {
  private readonly expiry = new AbortController()
  private readonly ending = new AbortController()

  constructor(clock: Clock, limitMs: number) {
    const expire = (): void => this.expiry.abort(new Error(`It did not end within ${limitMs} ms.`))
    void clock.sleep(limitMs, this.ending.signal).then(expire, () => undefined)
  }

  get signal(): AbortSignal {
    return this.expiry.signal
  }

  get isOver(): boolean {
    return this.expiry.signal.aborted
  }

  [Symbol.dispose](): void {
    this.ending.abort(DISPOSED)
  }
}
