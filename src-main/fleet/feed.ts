import type { FleetEvent } from '../../src-shared/contract/app.ts'

/** Events kept for one watcher that does not read; beyond it they become one new snapshot. */
const BACKLOG_MOST = 5_000

class Backlog {
  private events: FleetEvent[]
  private wakeUp: (() => void) | undefined
  private readonly snapshot: () => FleetEvent

  constructor(snapshot: () => FleetEvent) {
    this.snapshot = snapshot
    this.events = [snapshot()]
  }

  push(event: FleetEvent): void {
    this.events.push(event)
    if (this.events.length > BACKLOG_MOST) this.events = [this.snapshot()]
    this.wakeUp?.()
  }

  /** Everything there is; waits for something where there is nothing, and answers empty when `signal` ends it. */
  async take(signal: AbortSignal | undefined): Promise<FleetEvent[]> {
    if (this.events.length === 0 && signal?.aborted !== true) {
      await new Promise<void>((resolve) => {
        this.wakeUp = resolve
        signal?.addEventListener('abort', () => resolve(), { once: true })
      })
    }
    return this.events.splice(0)
  }
}

/** Hands every event to every watcher, in order, with bounded memory for each. */
export class Feed {
  private readonly watchers = new Set<Backlog>()

  emit(event: FleetEvent): void {
    for (const watcher of this.watchers) watcher.push(event)
  }

  /** The whole first, then every change, until `signal` ends it. */
  async *watch(snapshot: () => FleetEvent, signal?: AbortSignal): AsyncGenerator<FleetEvent, void> {
    const backlog = new Backlog(snapshot)
    this.watchers.add(backlog)
    try {
      while (signal?.aborted !== true) yield* await backlog.take(signal)
    } finally {
      this.watchers.delete(backlog)
    }
  }
}
