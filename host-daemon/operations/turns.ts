import type { Disposable } from '../../src-shared/lib/disposable.ts'

interface Waiter {
  readonly grant: () => void
}

/** At most `limit` holders at once; the others wait, first come, first served. */
export class Turns {
  private readonly limit: number
  private readonly waiters = new Set<Waiter>()
  private held = 0

  constructor(limit: number) {
    this.limit = limit
  }

  /** Resolves with the turn, given back by `dispose`; rejects with the signal's reason while it waits. */
  async take(signal: AbortSignal): Promise<Disposable> {
    signal.throwIfAborted()
    if (this.held < this.limit) this.held += 1
    else await this.queue(signal)
    return this.turn()
  }

  private queue(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const granted = new AbortController()
      const waiter: Waiter = {
        grant: () => {
          granted.abort()
          resolve()
        },
      }
      this.waiters.add(waiter)
      const leave = () => {
        this.waiters.delete(waiter)
        reject(signal.reason as Error)
      }
      signal.addEventListener('abort', leave, { once: true, signal: granted.signal })
    })
  }

  private turn(): Disposable {
    let isHeld = true
    const dispose = () => {
      if (isHeld) this.giveBack()
      isHeld = false
    }
    return { dispose }
  }

  /** The turn passes to whoever waits longest, without becoming free in between. */
  private giveBack(): void {
    const [next] = this.waiters
    if (next === undefined) {
      this.held -= 1
      return
    }
    this.waiters.delete(next)
    next.grant()
  }
}
