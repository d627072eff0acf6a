import { DisposableStore } from '../../src-shared/lib/disposable.ts'
import type { Disposable } from '../../src-shared/lib/disposable.ts'

interface Waiting {
  readonly isAlone: boolean
  readonly enter: () => void
}

interface Use {
  shared: number
  isTaken: boolean
  readonly waiting: Waiting[]
}

/**
 * Turns at things with names within this daemon, in the order in which they were asked for: any number beside each other,
 * or one alone.
 */
export class SharedTurns {
  private readonly uses = new Map<string, Use>()

  /** Rejects with the signal's reason. The use ends when what it resolves with is disposed. */
  async take(name: string, { isAlone, signal }: { readonly isAlone: boolean; readonly signal: AbortSignal }) {
    signal.throwIfAborted()
    const use = this.useOf(name)
    await this.turn(use, isAlone, signal)
    const held = new DisposableStore()
    held.add({ dispose: () => this.leave(name, use, isAlone) })
    return held as Disposable
  }

  private useOf(name: string): Use {
    const use = this.uses.get(name) ?? { shared: 0, isTaken: false, waiting: [] }
    this.uses.set(name, use)
    return use
  }

  private turn(use: Use, isAlone: boolean, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const enter = () => {
        signal.removeEventListener('abort', give)
        resolve()
      }
      const entry = { isAlone, enter }
      const give = () => {
        const at = use.waiting.indexOf(entry)
        if (at >= 0) use.waiting.splice(at, 1)
        reject(signal.reason as Error)
        this.admit(use)
      }
      signal.addEventListener('abort', give, { once: true })
      use.waiting.push(entry)
      this.admit(use)
    })
  }

  private admit(use: Use): void {
    for (let next = use.waiting[0]; next !== undefined; next = use.waiting[0]) {
      if (use.isTaken || (next.isAlone && use.shared > 0)) return
      use.waiting.shift()
      if (next.isAlone) use.isTaken = true
      else use.shared += 1
      next.enter()
    }
  }

  private leave(name: string, use: Use, isAlone: boolean): void {
    if (isAlone) use.isTaken = false
    else use.shared -= 1
    this.admit(use)
    if (use.shared === 0 && !use.isTaken && use.waiting.length === 0) this.uses.delete(name)
  }
}
