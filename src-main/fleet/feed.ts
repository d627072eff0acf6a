import type { FleetEvent } from '../../src-shared/contract/app.ts'

/** Events kept for one watcher that does not read; beyond it they become one new snapshot. */
const BACKLOG_MOST = 5_000

class Backlog {
  private events: FleetEvent[]
  private wakeUp: () => void = () => undefined
  private readonly snapshot: () => FleetEvent

  constructor(snapshot: () => FleetEvent) {
    this.snapshot = snapshot
    this.events = [snapshot()]
  }

  push(event: FleetEvent): void {
    this.events.push(event)
    if (this.events.length > BACKLOG_MOST) this.events = [this.snapshot()]
    this.wakeUp()
  }

  /** Ends the waiting of `take`, which then answers empty. */
  release(): void {
    this.wakeUp()
  }

  /** Everything there is; waits for something where there is nothing. */
  async take(): Promise<FleetEvent[]> {
    if (this.events.length === 0) await new Promise<void>((resolve) => (this.wakeUp = resolve))
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
    const release = (): void => backlog.release()
    this.watchers.add(backlog)
    signal?.addEventListener('abort', release, { once: true })
    try {
      while (signal?.aborted !== true) yield* await backlog.take()
    } finally {
      signal?.removeEventListener('abort', release)
      this.watchers.delete(backlog)
    }
  }
}
