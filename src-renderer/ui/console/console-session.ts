import {
  CONSOLE_INPUT_BYTES,
  consoleNoticeSchema,
  decodeConsoleChunk,
  type ConsoleNotice,
  type ConsoleRequest,
  type ConsoleTarget,
} from '../../../src-shared/contract/console-stream.ts'
import type { Failure } from '../../../src-shared/error.ts'
import { backoffMs } from '../../../src-shared/lib/backoff.ts'
import type { MessageChannelLike } from '../../../src-shared/lib/message-channel.ts'
import type { ConsoleBoot, ConsoleGap, TypingLease } from '../../../src-shared/model/console.ts'
import type { BootId, EnvironmentId } from '../../../src-shared/model/ids.ts'
import { DrawQueue, type ConsoleSink } from './draw-queue.ts'

export type ConsoleLink =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'live' }
  /** The journal of this boot is complete and was sent whole. */
  | { readonly kind: 'ended' }
  | { readonly kind: 'retrying'; readonly reason: string; readonly nextAt: number }
  /** Trying again would not help. */
  | { readonly kind: 'closed'; readonly failure: Failure }

/** What a console shows of itself; a new object at each change. */
export interface ConsoleState {
  readonly link: ConsoleLink
  readonly boot: ConsoleBoot | null
  readonly nextBoot: ConsoleBoot | null
  readonly lease: TypingLease
  /** One past the last byte drawn of this boot. */
  readonly drawnOffset: number
  readonly isPaused: boolean
  /** The last refusal, such as a lease held by someone else. */
  readonly refusal: Failure | null
}

export interface ConsoleSessionOptions {
  readonly environmentId: EnvironmentId
  readonly sink: ConsoleSink
  open(target: ConsoleTarget): Promise<MessageChannelLike>
  onChange(state: ConsoleState): void
}

const FREE_LEASE: TypingLease = { holder: null, since: null, isMine: false }

export const NEW_CONSOLE: ConsoleState = {
  link: { kind: 'connecting' },
  boot: null,
  nextBoot: null,
  lease: FREE_LEASE,
  drawnOffset: 0,
  isPaused: false,
  refusal: null,
}
const RECONNECT = { firstMs: 300, capMs: 8000 }

/**
 * One viewer of one environment's console. It asks for the next byte after every cut, acknowledges bytes only when
 * they are drawn, and holds at most one window of undrawn bytes. Nothing is drawn twice and no hole goes unmarked.
 */
export class ConsoleSession {
  private readonly options: ConsoleSessionOptions
  private readonly queue: DrawQueue
  private channel: MessageChannelLike | undefined
  private timer: ReturnType<typeof setTimeout> | undefined
  private attempt = 0
  private isDisposed = false
  /** Drops what a channel that was replaced still delivers. */
  private run = 0
  private bootId: BootId | undefined
  private lastError: Failure | undefined
  /** Everything of this boot was received; what is missing now is only drawing. */
  private isComplete = false
  private state = NEW_CONSOLE

  constructor(options: ConsoleSessionOptions) {
    this.options = options
    this.queue = new DrawQueue(options.sink, (offset) => this.drawn(offset))
  }

  get snapshot(): ConsoleState {
    return this.state
  }

  /** Opens the newest boot, or the one named, from its first kept byte. */
  open(bootId?: BootId): void {
    this.bootId = bootId
    this.attempt = 0
    this.queue.restart()
    this.update({ boot: null, nextBoot: null, drawnOffset: 0, isPaused: false, refusal: null })
    void this.connect()
  }

  /** Someone else learnt of a newer boot; it is opened when this one has ended and is not paused. */
  noteBoot(boot: ConsoleBoot): void {
    if (this.state.boot === null || boot.ordinal <= this.state.boot.ordinal) return
    this.update({ nextBoot: boot })
    this.followBoot()
  }

  /** A paused console draws nothing and so acknowledges nothing: the bytes wait in the journal. */
  setPaused(isPaused: boolean): void {
    this.queue.setPaused(isPaused)
    this.update({ isPaused })
    this.followBoot()
  }

  claimTyping(takeOver: boolean): void {
    this.update({ refusal: null })
    this.request({ type: 'claim-typing', takeOver })
  }

  releaseTyping(): void {
    this.request({ type: 'release-typing' })
  }

  /** False when the bytes were not sent, because the keyboard is not ours or the link is down. */
  type(bytes: Uint8Array): boolean {
    if (!this.state.lease.isMine || this.channel === undefined) return false
    for (let start = 0; start < bytes.byteLength; start += CONSOLE_INPUT_BYTES) {
      this.channel.send(bytes.subarray(start, start + CONSOLE_INPUT_BYTES))
    }
    return true
  }

  reconnectNow(): void {
    if (this.state.link.kind === 'retrying' || this.state.link.kind === 'closed') void this.connect()
  }

  dispose(): void {
    this.isDisposed = true
    this.queue.restart()
    this.leave()
  }

  private leave(): void {
    this.run += 1
    clearTimeout(this.timer)
    this.channel?.close()
    this.channel = undefined
  }

  private async connect(): Promise<void> {
    this.leave()
    const run = this.run
    this.lastError = undefined
    this.isComplete = false
    this.queue.dropUndrawn()
    this.update({ link: { kind: 'connecting' }, lease: FREE_LEASE })
    try {
      const channel = await this.options.open(this.target())
      if (run !== this.run) {
        channel.close()
        return
      }
      this.channel = channel
      // Messages first: a channel that is closed already still holds why.
      channel.onMessage((message) => run === this.run && this.receive(message))
      channel.onClose((reason) => run === this.run && this.lost(reason))
    } catch (error) {
      if (run === this.run) this.lost(error instanceof Error ? error.message : String(error))
    }
  }

  private target(): ConsoleTarget {
    const environment = this.options.environmentId
    const bootId = this.state.boot?.bootId ?? this.bootId
    if (bootId === undefined) return { environment }
    return this.queue.hasBegun ? { environment, bootId, offset: this.queue.nextOffset } : { environment, bootId }
  }

  private receive(message: string | Uint8Array): void {
    if (typeof message !== 'string') {
      if (this.queue.push(decodeConsoleChunk(message))) return
      this.leave()
      this.lost('Bytes were missing in between; asking for them again.')
      return
    }
    const notice = consoleNoticeSchema.safeParse(JSON.parse(message))
    if (notice.success) this.heed(notice.data)
  }

  private heed(notice: ConsoleNotice): void {
    switch (notice.type) {
      case 'opened': {
        this.opened(notice)
        return
      }
      case 'gap': {
        this.queue.gap(notice.gap)
        return
      }
      case 'lease': {
        this.update({ lease: notice.lease })
        return
      }
      case 'ended':
        this.isComplete = true
        this.queue.whenDrawn(() => {
          this.update({ link: { kind: 'ended' } })
          this.followBoot()
        })
        return
      case 'next-boot': {
        this.noteBoot(notice.boot)
        return
      }
      case 'error': {
        this.lastError = failureIn(notice)
        this.update({ refusal: this.lastError })
        return
      }
    }
  }

  private opened(notice: Extract<ConsoleNotice, { type: 'opened' }>): void {
    this.attempt = 0
    const isNew = !this.queue.hasBegun
    if (isNew) this.queue.begin(notice.boot, notice.offset)
    const drawnOffset = isNew ? notice.offset : this.state.drawnOffset
    this.update({ link: { kind: 'live' }, boot: notice.boot, lease: notice.lease, drawnOffset })
  }

  private drawn(offset: number): void {
    this.update({ drawnOffset: offset })
    this.request({ type: 'ack', offset })
  }

  private lost(reason: string): void {
    this.channel = undefined
    if (this.isDisposed || this.isComplete) return
    if (this.lastError?.retryable === false) {
      this.update({ link: { kind: 'closed', failure: this.lastError }, lease: FREE_LEASE })
      return
    }
    this.attempt += 1
    const delayMs = backoffMs(this.attempt, Math.random(), RECONNECT)
    const link = { kind: 'retrying', reason, nextAt: Date.now() + delayMs } as const
    this.update({ link, lease: FREE_LEASE })
    this.timer = setTimeout(() => void this.connect(), delayMs)
  }

  private followBoot(): void {
    const { link, nextBoot, isPaused } = this.state
    if (link.kind === 'ended' && nextBoot !== null && !isPaused) this.open(nextBoot.bootId)
  }

  private request(request: ConsoleRequest): void {
    try {
      this.channel?.send(JSON.stringify(request))
    } catch {
      // The channel has just closed; its close is being told, and everything is asked again on the next one.
    }
  }

  private update(change: Partial<ConsoleState>): void {
    this.state = { ...this.state, ...change }
    this.options.onChange(this.state)
  }
}

export function gapText(gap: ConsoleGap): string {
  const cause = gap.reason === 'retention' ? 'no longer kept' : "lost: the console's space on the host was full"
  if (gap.length === null) return `an unknown number of bytes was ${cause.replace('no longer kept', 'not kept')}`
  const count = gap.length.toLocaleString('en-GB')
  return gap.length === 1 ? `1 byte is ${cause}` : `${count} bytes are ${cause}`
}

function failureIn(notice: Extract<ConsoleNotice, { type: 'error' }>): Failure {
  const { code, message, hint, retryable, requestId } = notice
  return { code, message, hint, retryable, requestId }
}
