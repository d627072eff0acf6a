import { WebSocket } from 'ws'

/** Close codes of RFC 6455 that the daemon uses. */
export const CLOSE = { goingAway: 1001, policy: 1008, tooBig: 1009, internal: 1011 } as const

/** A close reason holds at most this many bytes. */
const REASON_BYTES = 123

/** What the library closes with of itself, in words that the other end can show. */
const REASONS: Readonly<Record<number, string>> = {
  1002: 'the frame is not valid WebSocket',
  1007: 'the text is not valid UTF-8',
  1008: 'too many fragments',
  1009: 'a message may hold at most 4 MiB',
}

/** A WebSocket whose closes always say why. */
export class ExplainedWebSocket extends WebSocket {
  override close(code?: number, reason?: string | Buffer): void {
    const says = reason ?? (code === undefined ? undefined : REASONS[code])
    super.close(code, says === undefined ? undefined : cut(String(says)))
  }
}

function cut(reason: string): string {
  const bytes = Buffer.from(reason)
  return bytes.length <= REASON_BYTES
    ? reason
    : bytes
        .subarray(0, REASON_BYTES)
        .toString('utf8')
        .replace(/\uFFFD$/u, '')
}

/** More than this waiting to be sent: nothing more is read from the peer, and senders wait. */
const HIGH_WATER_BYTES = 1024 * 1024
/** More than this: the peer asks and does not read; it is cut off. */
const CUT_OFF_BYTES = 64 * 1024 * 1024

export interface ChannelOptions {
  /** Goes on reading from a peer that does not read; what it asks for must be bounded by other means. */
  readonly readsWhileFull?: boolean
}

/**
 * Sending on a WebSocket with back-pressure: a peer that does not read is not read from either, so that what it
 * can make the daemon hold is bounded.
 */
export class WebSocketChannel {
  private readonly socket: WebSocket
  private readonly readsWhileFull: boolean

  constructor(socket: WebSocket, { readsWhileFull = false }: ChannelOptions = {}) {
    this.socket = socket
    this.readsWhileFull = readsWhileFull
  }

  get isOpen(): boolean {
    return this.socket.readyState === WebSocket.OPEN
  }

  /** Resolves when the message is on its way and there is room for another; rejects when the connection is gone. */
  async send(message: string | Uint8Array): Promise<void> {
    if (!this.isOpen) throw new Error('the connection is closed')
    if (this.socket.bufferedAmount <= HIGH_WATER_BYTES) {
      this.socket.send(message)
      return
    }
    this.refuseHoarding()
    await this.sendWhenDrained(message)
  }

  close(code: number, reason: string): void {
    this.socket.close(code, reason)
  }

  private refuseHoarding(): void {
    if (this.socket.bufferedAmount <= CUT_OFF_BYTES) return
    this.socket.terminate()
    throw new Error('the peer does not read what it asked for')
  }

  private async sendWhenDrained(message: string | Uint8Array): Promise<void> {
    if (!this.readsWhileFull) this.socket.pause()
    try {
      await new Promise<void>((resolve, reject) =>
        this.socket.send(message, (error) => (error instanceof Error ? reject(error) : resolve())),
      )
    } finally {
      this.socket.resume()
    }
  }
}
