import { SharedTurns } from '../../system/shared-turns.ts'

/**
 * Lets one at a time through per name, in the order of arrival: QEMU's monitor and the agent hear one client, and
 * another that connects meanwhile would only wait without knowing why.
 */
export class Turns {
  private readonly turns = new SharedTurns()

  /**
   * Rejects with the signal's reason when it is aborted; the work minds the signal itself, and keeps its turn until it
   * is over.
   */
  async take<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const mine = this.inTurn(name, signal, work)
    const settled = mine.then(
      () => undefined,
      () => undefined,
    )
    return await Promise.race([mine, rejection(signal, settled)])
  }

  private async inTurn<T>(name: string, signal: AbortSignal, work: () => Promise<T>): Promise<T> {
    const turn = await this.turns.take(name, { isAlone: true, signal })
    try {
      signal.throwIfAborted()
      return await work()
    } finally {
      turn.dispose()
    }
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
