import { connect, type Socket } from 'node:net'
import { StringCutter } from './string-cutter.ts'

/** A guest may send anything; more than this without an end of line is not an answer. */
const LINE_LIMIT = 256 * 1024
const QUEUE_LIMIT = 1024
/** Long strings that an answer may have where they are cut. */
const LONG_STRINGS = 2

export interface LineOptions {
  /** Where a string in quotes is cut, in characters; without it a line is whole, and bounded as a whole. */
  readonly cutStringsAt?: number
}

/** The other end is gone, refused, or sent what cannot be read. */
export class LinkLost extends Error {
  constructor(message: string, options: { cause?: unknown } = {}) {
    super(message, options)
    this.name = 'LinkLost'
  }
}

/**
 * Lines over a unix socket, as latin1 text so that every byte survives. Half lines are kept until they are whole.
 * Closed by `close`, by the other end, or when the other end floods it.
 */
export class LineSocket {
  private readonly socket: Socket
  private readonly lines: string[] = []
  private partial = ''
  private lost: LinkLost | undefined
  private wake: () => void = () => undefined
  private readonly cutter: StringCutter | undefined
  private readonly lineLimit: number

  private constructor(socket: Socket, { cutStringsAt }: LineOptions) {
    this.socket = socket
    this.cutter = cutStringsAt === undefined ? undefined : new StringCutter(cutStringsAt)
    this.lineLimit = LINE_LIMIT + LONG_STRINGS * (cutStringsAt ?? 0)
    socket.setEncoding('latin1')
    socket.on('connect', () => this.wake())
    socket.on('data', (text: string) => this.take(text))
    socket.on('error', (cause) => this.lose(new LinkLost(cause.message, { cause })))
    socket.on('close', () => this.lose(new LinkLost('The other end closed the connection.')))
  }

  /** Rejects with `LinkLost`, or with the signal's reason. */
  static async open(path: string, signal: AbortSignal, options: LineOptions = {}): Promise<LineSocket> {
    signal.throwIfAborted()
    const socket = connect(path)
    const line = new LineSocket(socket, options)
    try {
      await line.until(() => !socket.connecting, signal)
    } catch (error) {
      line.close()
      throw error
    }
    return line
  }

  get isLost(): boolean {
    return this.lost !== undefined
  }

  send(text: string): void {
    if (this.lost === undefined) this.socket.write(text, 'latin1')
  }

  /** The next whole line, in order. Rejects with `LinkLost` once there will be none, or with the signal's reason. */
  async nextLine(signal: AbortSignal): Promise<string> {
    await this.until(() => this.lines.length > 0, signal)
    return this.lines.shift() ?? ''
  }

  close(): void {
    this.lose(new LinkLost('The connection was closed.'))
    this.socket.destroy()
  }

  private take(received: string): void {
    const text = this.cutter?.take(received) ?? received
    if (text === '') return
    const parts = (this.partial + text).split('\n')
    this.partial = parts.pop() ?? ''
    this.lines.push(...parts)
    if (this.partial.length > this.lineLimit || this.lines.length > QUEUE_LIMIT) {
      this.lose(new LinkLost('The other end sent more than an answer can be.'))
      this.socket.destroy()
    }
    this.wake()
  }

  private lose(why: LinkLost): void {
    this.lost ??= why
    this.wake()
  }

  private async until(isDone: () => boolean, signal: AbortSignal): Promise<void> {
    const abort = (): void => this.wake()
    signal.addEventListener('abort', abort, { once: true })
    try {
      while (!isDone()) {
        signal.throwIfAborted()
        if (this.lost !== undefined) throw this.lost
        await new Promise<void>((resolve) => (this.wake = resolve))
      }
      signal.throwIfAborted()
    } finally {
      signal.removeEventListener('abort', abort)
    }
    if (this.lost !== undefined && this.lines.length === 0) throw this.lost
  }
}
