import {
  CONSOLE_CHUNK_BYTES,
  CONSOLE_WINDOW_BYTES,
  consoleRequestSchema,
  encodeConsoleChunk,
  type ConsoleNotice,
  type ConsoleRequest,
} from '../../src-shared/contract/console-stream.ts'
import type { MessageChannelLike } from '../../src-shared/lib/message-channel.ts'
import type { ConsoleBoot, ConsoleGap } from '../../src-shared/model/console.ts'
import type { BootId, EnvironmentId } from '../../src-shared/model/ids.ts'
import type { Actor } from '../../src-shared/model/operation.ts'

interface Viewer {
  readonly channel: MessageChannelLike
  sent: number
  acked: number
  isEnded: boolean
}

/** One boot's journal in memory, served by offset with the real window; typed bytes are recorded and echoed. */
export class FakeConsole {
  readonly environmentId: EnvironmentId
  readonly bootId: BootId
  readonly ordinal: number
  readonly startedAt: number
  /** Everything typed so far. */
  typed = ''
  /** The furthest that was ever sent past an acknowledgement. */
  mostUnacked = 0
  holder: { actor: Actor; viewer: MessageChannelLike | null } | null = null
  isEchoing = true
  private journal = new Uint8Array(0)
  private readonly gaps: ConsoleGap[] = []
  private viewers: Viewer[] = []
  private endedAt: number | null = null

  constructor(options: { environmentId: EnvironmentId; bootId: BootId; ordinal: number; startedAt: number }) {
    this.environmentId = options.environmentId
    this.bootId = options.bootId
    this.ordinal = options.ordinal
    this.startedAt = options.startedAt
  }

  get bytes(): Uint8Array {
    return this.journal
  }

  get viewerCount(): number {
    return this.viewers.length
  }

  boot(): ConsoleBoot {
    const { bootId, environmentId, ordinal, startedAt, endedAt, gaps } = this
    return { bootId, environmentId, ordinal, startedAt, endedAt, endOffset: this.journal.byteLength, gaps: [...gaps] }
  }

  write(data: string | Uint8Array): void {
    const bytes = typeof data === 'string' ? new TextEncoder().encode(data) : data
    const grown = new Uint8Array(this.journal.byteLength + bytes.byteLength)
    grown.set(this.journal)
    grown.set(bytes, this.journal.byteLength)
    this.journal = grown
    this.pumpAll()
  }

  /** `length` bytes from here on are lost; what is written next stands behind them. */
  lose(length: number): void {
    this.gaps.push({ offset: this.journal.byteLength, length, reason: 'space_exhausted' })
    this.write(new Uint8Array(length))
  }

  end(at: number): void {
    this.endedAt = at
    this.pumpAll()
  }

  /** Tells every viewer of a newer boot. */
  announce(boot: ConsoleBoot): void {
    for (const { channel } of this.viewers) this.tell(channel, { type: 'next-boot', boot })
  }

  /** Every viewer's connection breaks. */
  cut(reason: string): void {
    for (const { channel } of this.viewers.splice(0)) channel.close(reason)
  }

  /** Someone else takes the keyboard. */
  hold(actor: Actor): void {
    this.holder = { actor, viewer: null }
    this.tellLeases()
  }

  serve(channel: MessageChannelLike, offset: number, actor: Actor): void {
    const viewer: Viewer = { channel, sent: offset, acked: offset, isEnded: false }
    this.viewers.push(viewer)
    channel.onClose(() => {
      this.viewers = this.viewers.filter((each) => each !== viewer)
      if (this.holder?.viewer === channel) this.release()
    })
    channel.onMessage((message) => {
      if (typeof message !== 'string') {
        this.take(channel, message)
        return
      }
      this.heed(viewer, consoleRequestSchema.parse(JSON.parse(message)), actor)
    })
    this.tell(channel, { type: 'opened', boot: this.boot(), offset, lease: this.leaseFor(channel) })
    this.pump(viewer)
  }

  private take(channel: MessageChannelLike, bytes: Uint8Array): void {
    if (this.holder?.viewer !== channel) return
    const text = new TextDecoder().decode(bytes)
    this.typed += text
    if (this.isEchoing) this.write(text.replaceAll('\r', '\r\n'))
  }

  private heed(viewer: Viewer, request: ConsoleRequest, actor: Actor): void {
    if (request.type === 'ack') {
      viewer.acked = request.offset
      this.pump(viewer)
      return
    }
    if (request.type === 'release-typing') {
      this.release()
      return
    }
    if (this.holder !== null && this.holder.viewer !== viewer.channel && !request.takeOver) {
      const message = `${this.holder.actor.user} is typing.`
      const rest = {
        hint: 'Take the keyboard over to type yourself.',
        retryable: true,
        requestId: 'req-00000000000000bb',
      }
      this.tell(viewer.channel, { type: 'error', code: 'typing_held', message, ...rest })
      return
    }
    this.holder = { actor, viewer: viewer.channel }
    this.tellLeases()
  }

  private release(): void {
    this.holder = null
    this.tellLeases()
  }

  private tellLeases(): void {
    for (const { channel } of this.viewers) this.tell(channel, { type: 'lease', lease: this.leaseFor(channel) })
  }

  private leaseFor(channel: MessageChannelLike) {
    if (this.holder === null) return { holder: null, since: null, isMine: false }
    return { holder: this.holder.actor, since: Date.now(), isMine: this.holder.viewer === channel }
  }

  private tell(channel: MessageChannelLike, notice: ConsoleNotice): void {
    channel.send(JSON.stringify(notice))
  }

  private pumpAll(): void {
    for (const viewer of [...this.viewers]) this.pump(viewer)
  }

  private pump(viewer: Viewer): void {
    const end = this.journal.byteLength
    while (viewer.sent < Math.min(end, viewer.acked + CONSOLE_WINDOW_BYTES)) {
      const gap = this.gaps.find(({ offset, length }) => viewer.sent >= offset && viewer.sent < offset + (length ?? 0))
      if (gap !== undefined) {
        this.tell(viewer.channel, { type: 'gap', gap })
        viewer.sent = gap.offset + (gap.length ?? 0)
        viewer.acked = Math.max(viewer.acked, viewer.sent)
        continue
      }
      const next = this.gaps.find(({ offset }) => offset > viewer.sent)?.offset ?? end
      const stop = Math.min(end, next, viewer.sent + CONSOLE_CHUNK_BYTES)
      viewer.channel.send(encodeConsoleChunk({ offset: viewer.sent, bytes: this.journal.subarray(viewer.sent, stop) }))
      viewer.sent = stop
      this.mostUnacked = Math.max(this.mostUnacked, viewer.sent - viewer.acked)
    }
    if (this.endedAt === null || viewer.sent < end || viewer.isEnded) return
    viewer.isEnded = true
    this.tell(viewer.channel, { type: 'ended', endOffset: end })
  }
}
