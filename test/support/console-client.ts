import { createHash } from 'node:crypto'
import type { WebSocket } from 'ws'
import {
  consoleNoticeSchema,
  decodeConsoleChunk,
  type ConsoleNotice,
  type ConsoleRequest,
} from '../../src-shared/contract/console-stream.ts'
import { dialWebSocket, opened, until } from './edge.ts'
import { ENVIRONMENT_ID } from './fake-boots.ts'

export type NoticeOf<T extends ConsoleNotice['type']> = Extract<ConsoleNotice, { type: T }>

/** One viewer as a console is one: it keeps what it was sent, and acknowledges it when told to. */
export class ConsoleClient {
  readonly notices: ConsoleNotice[] = []
  readonly chunks: Buffer[] = []
  /** One past the newest byte received. */
  offset = 0
  /** What did not follow the bytes before it. */
  readonly jumps: { from: number; to: number }[] = []
  isAcking = true
  closed: { code: number; reason: string } | undefined
  readonly socket: WebSocket

  private constructor(socket: WebSocket) {
    this.socket = socket
    socket.on('message', (data: Buffer, isBinary) => (isBinary ? this.takeBytes(data) : this.takeNotice(data)))
    socket.on('close', (code, reason) => (this.closed = { code, reason: reason.toString() }))
  }

  static async open(
    socketPath: string,
    query: Record<string, string | number> = {},
    headers = {},
  ): Promise<ConsoleClient> {
    const all = { environment: ENVIRONMENT_ID, ...query }
    const search = new URLSearchParams(Object.entries(all).map(([name, value]) => [name, String(value)]))
    const client = new ConsoleClient(dialWebSocket(socketPath, `/console?${search.toString()}`, headers))
    await opened(client.socket)
    return client
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }

  get sha256(): string {
    const hash = createHash('sha256')
    for (const chunk of this.chunks) hash.update(chunk)
    return hash.digest('hex')
  }

  noticesOf<T extends ConsoleNotice['type']>(type: T): NoticeOf<T>[] {
    return this.notices.filter((notice): notice is NoticeOf<T> => notice.type === type)
  }

  async notice<T extends ConsoleNotice['type']>(type: T, count = 1): Promise<NoticeOf<T>> {
    await until(() => this.noticesOf(type).length >= count)
    return this.noticesOf(type)[count - 1]!
  }

  request(request: ConsoleRequest): void {
    this.socket.send(JSON.stringify(request))
  }

  ack(): void {
    this.request({ type: 'ack', offset: this.offset })
  }

  type(text: string | Buffer): void {
    this.socket.send(Buffer.from(text))
  }

  close(): void {
    this.socket.terminate()
  }

  private takeBytes(frame: Buffer): void {
    const { offset, bytes } = decodeConsoleChunk(frame)
    if (offset !== this.offset) this.jumps.push({ from: this.offset, to: offset })
    this.chunks.push(Buffer.from(bytes))
    this.offset = offset + bytes.byteLength
    if (this.isAcking) this.ack()
  }

  private takeNotice(data: Buffer): void {
    const notice = consoleNoticeSchema.parse(JSON.parse(data.toString()))
    if (notice.type === 'opened') this.offset = notice.offset
    this.notices.push(notice)
  }
}
