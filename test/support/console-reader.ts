import { createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import {
  consoleNoticeSchema,
  decodeConsoleChunk,
  type ConsoleNotice,
  type ConsoleRequest,
  type ConsoleTarget,
} from '../../src-shared/contract/console-stream.ts'
import type { MessageChannelLike } from '../../src-shared/lib/message-channel.ts'
import type { ConsoleGap } from '../../src-shared/model/console.ts'
import type { BootId, EnvironmentRef } from '../../src-shared/model/ids.ts'
import { until } from '../../scripts/lib/until.ts'

export type OpenConsole = (target: ConsoleTarget) => Promise<MessageChannelLike>

const RETRY_MS = 100

/**
 * A viewer that keeps every byte of one boot's console, and comes back with the next offset it needs whenever it is
 * cut off. It checks the protocol's promise as it goes: bytes arrive in order, none twice, none missing but for gaps.
 */
export class ConsoleReader {
  readonly gaps: ConsoleGap[] = []
  reconnections = -1
  /** Set at the first broken promise; every wait rejects with it. */
  fault: Error | undefined
  private readonly open: OpenConsole
  private readonly environment: EnvironmentRef
  private bytes = Buffer.alloc(1 << 20)
  private start = 0
  private next = 0
  private bootId: BootId | undefined
  private channel: MessageChannelLike | undefined
  private canType = false
  private isClosed = false

  constructor(open: OpenConsole, environment: EnvironmentRef) {
    this.open = open
    this.environment = environment
    void this.run()
  }

  /** One past the newest byte that arrived. */
  get offset(): number {
    return this.next
  }

  /** The bytes from `offset` on that have arrived, `length` at most. */
  slice(offset: number, length = Number.POSITIVE_INFINITY): Buffer {
    const end = Math.min(this.next, offset + length)
    return this.bytes.subarray(offset - this.start, end - this.start)
  }

  sha256(offset: number, length: number): string {
    return createHash('sha256').update(this.slice(offset, length)).digest('hex')
  }

  /** Resolves with the offset just behind `text`, looked for from `from` on. */
  async waitForText(text: string, from: number, timeoutMs = 30_000): Promise<number> {
    let found = -1
    await this.waitFor(`"${text}" on the console`, timeoutMs, () => {
      found = this.slice(from).indexOf(text)
      return found >= 0
    })
    return from + found + Buffer.byteLength(text)
  }

  waitForOffset(offset: number, timeoutMs = 60_000): Promise<void> {
    return this.waitFor(`byte ${offset} of the console`, timeoutMs, () => this.next >= offset)
  }

  /** Takes the keyboard where it has not got it, and types. */
  async type(text: string): Promise<void> {
    await this.waitFor('the keyboard', 15_000, () => {
      if (!this.canType) this.send({ type: 'claim-typing', takeOver: true })
      return this.canType
    })
    this.channel?.send(new TextEncoder().encode(text))
  }

  close(): void {
    this.isClosed = true
    this.channel?.close()
  }

  private async waitFor(what: string, timeoutMs: number, isSo: () => boolean): Promise<void> {
    const ask = (): boolean => {
      if (this.fault !== undefined) throw this.fault
      return isSo()
    }
    await until(ask, { what, deadlineMs: timeoutMs })
  }

  private async run(): Promise<void> {
    while (!this.isClosed && this.fault === undefined) {
      try {
        await this.follow(await this.open(this.target()))
      } catch {
        // The host is away: that is what some tests are about. Whoever waits has a deadline.
      }
      this.canType = false
      await delay(RETRY_MS)
    }
  }

  private target(): ConsoleTarget {
    const { environment, bootId, next } = this
    return bootId === undefined ? { environment } : { environment, bootId, offset: next }
  }

  private follow(channel: MessageChannelLike): Promise<void> {
    this.channel = channel
    this.reconnections += 1
    return new Promise((resolve) => {
      channel.onClose(() => resolve())
      channel.onMessage((message) => {
        if (typeof message === 'string') this.heed(consoleNoticeSchema.parse(JSON.parse(message)))
        else this.take(decodeConsoleChunk(message))
      })
    })
  }

  private heed(notice: ConsoleNotice): void {
    if (notice.type === 'opened') {
      if (this.bootId === undefined) this.start = this.next = notice.offset
      else if (notice.offset !== this.next) this.fail(`resumed at ${notice.offset} instead of ${this.next}`)
      this.bootId = notice.boot.bootId
      this.canType = notice.lease.isMine
    } else if (notice.type === 'lease') this.canType = notice.lease.isMine
    else if (notice.type === 'gap') {
      this.gaps.push(notice.gap)
      this.next = notice.gap.offset + (notice.gap.length ?? 0)
    }
  }

  private take({ offset, bytes }: { offset: number; bytes: Uint8Array }): void {
    if (offset !== this.next) this.fail(`bytes came at ${offset} instead of ${this.next}`)
    this.keep(bytes)
    this.next += bytes.length
    this.send({ type: 'ack', offset: this.next })
  }

  private keep(bytes: Uint8Array): void {
    const at = this.next - this.start
    if (at + bytes.length > this.bytes.length) {
      this.bytes = Buffer.concat([this.bytes], 2 * (at + bytes.length))
    }
    this.bytes.set(bytes, at)
  }

  private send(request: ConsoleRequest): void {
    try {
      this.channel?.send(JSON.stringify(request))
    } catch {
      // Closed meanwhile; the next connection says what it has.
    }
  }

  private fail(sentence: string): void {
    this.fault ??= new Error(`The console broke its promise: ${sentence}.`)
    this.close()
  }
}
