import { encodeConsoleChunk, type ConsoleNotice, type ConsoleTarget } from '../../src-shared/contract/console-stream.ts'
import { ChannelEvents, type MessageChannelLike } from '../../src-shared/lib/message-channel.ts'
import { AT } from './contract-samples.ts'

export const BOOT = {
  bootId: 'boot-00000000000000aa' as never,
  environmentId: 'env-0000abcd' as never,
  ordinal: 1,
  startedAt: AT,
  endedAt: null,
  endOffset: 0,
  gaps: [],
}

/** One end of a console stream whose other end a test plays. */
export class FakeStream implements MessageChannelLike {
  readonly sent: (string | Uint8Array)[] = []
  readonly target: ConsoleTarget
  private readonly events = new ChannelEvents()
  private waiting: (() => void)[] = []

  constructor(target: ConsoleTarget) {
    this.target = target
  }

  send(message: string | Uint8Array): void {
    if (this.events.isClosed) throw new Error('closed')
    this.sent.push(message)
    for (const wake of this.waiting.splice(0)) wake()
  }

  onMessage(listener: (message: string | Uint8Array) => void): void {
    this.events.listen(listener)
  }

  onClose(listener: (reason: string) => void): void {
    this.events.onClose(listener)
  }

  close(): void {
    this.events.closed('')
  }

  get isClosed(): boolean {
    return this.events.isClosed
  }

  /** The highest offset acknowledged so far. */
  get acknowledged(): number {
    const acks = this.sent
      .filter((message) => typeof message === 'string')
      .map((text) => JSON.parse(text) as { type: string; offset?: number })
    return Math.max(0, ...acks.map(({ type, offset }) => (type === 'ack' ? (offset ?? 0) : 0)))
  }

  get typed(): string {
    return Buffer.concat(this.sent.filter((message) => typeof message !== 'string')).toString('utf8')
  }

  /** Resolves when what was sent satisfies the condition. */
  async until(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => this.waiting.push(resolve))
  }

  notice(notice: ConsoleNotice): void {
    this.events.deliver(JSON.stringify(notice))
  }

  opened(offset: number, boot: object = {}): void {
    this.notice({
      type: 'opened',
      boot: { ...BOOT, ...boot },
      offset,
      lease: { holder: null, since: null, isMine: false },
    })
  }

  bytes(offset: number, bytes: string | Uint8Array): void {
    this.events.deliver(encodeConsoleChunk({ offset, bytes: Buffer.from(bytes as string) }))
  }
}
