/**
 * Lets one at a time through per name, in the order of arrival: QEMU's monitor and the agent hear one client, and
 * another that connects meanwhile would only wait without knowing why.
 */
export class Turns {
  private readonly last = new Map<string, Promise<unknown>>()

  /** Rejects with the signal's reason when it is aborted before the turn comes; the work minds the signal itself. */
  async take<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const before = this.last.get(name) ?? Promise.resolve()
    const mine = before.then(async () => {
      signal.throwIfAborted()
      return await work()
    })
    const settled = mine.catch(() => undefined)
    this.last.set(name, settled)
    void settled.then(() => {
      if (this.last.get(name) === settled) this.last.delete(name)
    })
    return await Promise.race([mine, rejection(signal, settled)])
  }
}

function rejection(signal: AbortSignal, until: Promise<unknown>): Promise<never> {
  return new Promise((_resolve, reject) => {
    const abort = (): void => reject(signal.reason as Error)
    signal.addEventListener('abort', abort, { once: true })
    void until.then(() => signal.removeEventListener('abort', abort))
    if (signal.aborted) abort()
  })
}
