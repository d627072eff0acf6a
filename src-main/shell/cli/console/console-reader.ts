import {
  CONSOLE_WINDOW_BYTES,
  type ConsoleRequest,
  type ConsoleTarget,
} from '../../../../src-shared/contract/console-stream.ts'
import { PilothouseError } from '../../../../src-shared/error.ts'
import { backoffMs } from '../../../../src-shared/lib/backoff.ts'
import type { Clock, RandomSource } from '../../../../src-shared/lib/clock.ts'
import type { MessageChannelLike } from '../../../../src-shared/lib/message-channel.ts'
import { ConsolePlace, type ConsoleItem } from './console-place.ts'
import { MessageQueue } from './message-queue.ts'

export interface ConsoleReaderOptions {
  /** Opens a stream; called again after each cut. Rejects with a PilothouseError. */
  open(target: ConsoleTarget): Promise<MessageChannelLike>
  readonly clock: Clock
  readonly random: RandomSource
  readonly signal: AbortSignal
  /** Asked for on every stream, so that a typist stays one across cuts. */
  readonly typing: 'none' | 'ask' | 'take-over'
  /** Whether to end with the boot, or to go on with each next one until interrupted. */
  readonly until: 'boot-ended' | 'interrupted'
}

const RETRY = { firstMs: 250, capMs: 5000 }
/** Drawn bytes are acknowledged in steps of this, and whenever nothing more is waiting. */
const ACK_STEP_BYTES = CONSOLE_WINDOW_BYTES / 8

/** Why one stream is over: a cut to recover from, the next boot's turn, or the end of it all. */
type StreamEnd = PilothouseError | 'next-boot' | 'closed-after-end' | 'done'

/**
 * One viewer of a console. Every byte comes once and in order, across any number of cuts: after a cut the next
 * byte is asked for by its offset. A first stream that cannot be opened, and a cut that retrying cannot mend, throw.
 */
export class ConsoleReader {
  private readonly options: ConsoleReaderOptions
  private channel: MessageChannelLike | undefined

  constructor(options: ConsoleReaderOptions) {
    this.options = options
  }

  /** False where there is no stream now: what was typed is lost, and the caller says so. */
  type(bytes: Uint8Array): boolean {
    try {
      this.channel?.send(bytes)
      return this.channel !== undefined
    } catch {
      return false
    }
  }

  /** An item counts as drawn when the next one is asked for. */
  async *read(target: ConsoleTarget): AsyncGenerator<ConsoleItem> {
    const { clock, random, signal } = this.options
    const place = new ConsolePlace(target)
    for (let attempt = 0; ;) {
      const before = place.drawn
      const end = yield* this.readStream(place, attempt === 0)
      if (end === 'done') return
      if (end === 'next-boot') continue
      attempt = place.drawn > before ? 1 : attempt + 1
      const retryInMs = backoffMs(attempt, random.fraction(), RETRY)
      if (end !== 'closed-after-end') yield { type: 'cut', failure: end, retryInMs }
      await clock.sleep(retryInMs, signal)
    }
  }

  private async *readStream(place: ConsolePlace, isFirst: boolean): AsyncGenerator<ConsoleItem, StreamEnd> {
    try {
      const channel = await this.options.open(place.target)
      this.channel = channel
      const queue = new MessageQueue(this.options.signal)
      channel.onMessage((message) => queue.push(message))
      channel.onClose(() => queue.end())
      const { typing } = this.options
      if (typing !== 'none') ask(channel, { type: 'claim-typing', takeOver: typing === 'take-over' })
      return yield* this.drain({ queue, channel, place })
    } catch (error) {
      if (this.options.signal.aborted || isFirst || !(error instanceof PilothouseError) || !error.retryable) throw error
      return error
    } finally {
      this.channel?.close()
      this.channel = undefined
    }
  }

  private async *drain({ queue, channel, place }: Stream): AsyncGenerator<ConsoleItem, StreamEnd> {
    let acknowledged = place.drawn
    for await (const message of queue) {
      const item = place.read(message)
      yield item
      place.advance(item)
      if (place.drawn - acknowledged >= ACK_STEP_BYTES || (queue.isEmpty && place.drawn > acknowledged)) {
        acknowledged = place.drawn
        ask(channel, { type: 'ack', offset: acknowledged })
      }
      if (place.isEnded && this.options.until === 'boot-ended') return 'done'
      if (place.enterNextBoot()) return 'next-boot'
    }
    return place.isEnded ? 'closed-after-end' : new PilothouseError('host_unreachable', 'The console stream was cut.')
  }
}

interface Stream {
  readonly queue: MessageQueue
  readonly channel: MessageChannelLike
  readonly place: ConsolePlace
}

/** A request to a stream that has just been cut is nothing: the cut is noticed where messages are read. */
function ask(channel: MessageChannelLike, request: ConsoleRequest): void {
  try {
    channel.send(JSON.stringify(request))
  } catch {
    // See above.
  }
}
