import type { WebSocket } from 'ws'
import type { Clock } from '../../src-shared/lib/clock.ts'

export interface SilenceOptions {
  readonly clock: Clock
  readonly silentMs: number
  readonly signal: AbortSignal
}

/**
 * Cuts off peers that do not answer pings: they are gone or frozen, and what they hold (a keyboard, subscriptions)
 * is let go.
 */
export class SilenceWatch {
  private readonly answered = new WeakSet<WebSocket>()

  /** A new connection counts as heard. */
  hear(client: WebSocket): void {
    this.answered.add(client)
    client.on('pong', () => this.answered.add(client))
  }

  /** Runs until the signal is aborted; whoever is silent for `silentMs` is cut off. */
  async run(clients: ReadonlySet<WebSocket>, options: SilenceOptions): Promise<void> {
    const { clock, silentMs, signal } = options
    try {
      for (;;) {
        await clock.sleep(silentMs / 2, signal)
        for (const client of clients) this.ping(client)
      }
    } catch {
      // Aborted: everyone is being said goodbye to.
    }
  }

  private ping(client: WebSocket): void {
    if (!this.answered.has(client)) {
      client.terminate()
      return
    }
    this.answered.delete(client)
    client.ping()
  }
}
