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
 * Turns at repositories within this daemon, in the order in which they were asked for: any number beside each other, or
 * one alone. It spares restic's own locks a quarrel; it is no substitute for them.
 */
export class RepositoryUses {
  private readonly uses = new Map<string, Use>()

  /** Rejects with the signal's reason. The use ends when what it resolves with is disposed. */
  async take(location: string, { isAlone, signal }: { readonly isAlone: boolean; readonly signal: AbortSignal }) {
    signal.throwIfAborted()
    const use = this.useOf(location)
    await this.turn(use, isAlone, signal)
    const held = new DisposableStore()
    held.add({ dispose: () => this.leave(location, use, isAlone) })
    return held as Disposable
  }

  private useOf(location: string): Use {
    const use = this.uses.get(location) ?? { shared: 0, isTaken: false, waiting: [] }
    this.uses.set(location, use)
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

  private leave(location: string, use: Use, isAlone: boolean): void {
    if (isAlone) use.isTaken = false
    else use.shared -= 1
    this.admit(use)
    if (use.shared === 0 && !use.isTaken && use.waiting.length === 0) this.uses.delete(location)
  }
}
