/**
 * A two-way channel of whole messages, in order: a MessagePort in Electron, a WebSocket in the web shell and on the
 * daemon's sockets. Text and binary stay apart. Messages that arrive before a listener is set are kept for it.
 */
export interface MessageChannelLike {
  /** Throws when the channel is closed; what was sent just before a close may not have arrived. */
  send(message: string | Uint8Array): void
  /** One listener; a second call replaces it. Binary messages are the listener's own to keep. */
  onMessage(listener: (message: string | Uint8Array) => void): void
  /** Called once, with a sentence; at once when the channel has already closed. May be set more than once. */
  onClose(listener: (reason: string) => void): void
  /** Idempotent. `reason` reaches the other end, cut by `cutReason`. */
  close(reason?: string): void
}

/** A WebSocket's close reason holds 123 bytes of UTF-8; a UTF-16 unit takes at most 3. */
export function cutReason(reason: string): string {
  return reason.slice(0, /^[\x20-\x7e]*$/.test(reason) ? 120 : 40)
}

/** Why a channel closed, for channels whose other end gave no reason. */
export const CHANNEL_LOST = "The connection to the console's main process was lost."

/**
 * The two halves that every implementation of a channel needs: messages kept until somebody listens, and one
 * closing that is told to everybody, late comers too.
 */
export class ChannelEvents {
  private early: (string | Uint8Array)[] = []
  private listener: ((message: string | Uint8Array) => void) | undefined
  private readonly closeListeners: ((reason: string) => void)[] = []
  private reason: string | undefined

  get isClosed(): boolean {
    return this.reason !== undefined
  }

  deliver(message: string | Uint8Array): void {
    if (this.listener === undefined) this.early.push(message)
    else this.listener(message)
  }

  listen(listener: (message: string | Uint8Array) => void): void {
    this.listener = listener
    for (const message of this.early.splice(0)) listener(message)
  }

  closed(reason: string): void {
    if (this.reason !== undefined) return
    this.reason = reason
    for (const listener of this.closeListeners.splice(0)) listener(reason)
  }

  onClose(listener: (reason: string) => void): void {
    if (this.reason === undefined) this.closeListeners.push(listener)
    else listener(this.reason)
  }
}
