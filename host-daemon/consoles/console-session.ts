import {
  CONSOLE_CHUNK_BYTES,
  encodeConsoleChunk,
  type ConsoleNotice,
} from '../../src-shared/contract/console-stream.ts'
import type { Clock } from '../../src-shared/lib/clock.ts'
import { DisposableStore } from '../../src-shared/lib/disposable.ts'
import type { ConsoleBoot, ConsoleGap } from '../../src-shared/model/console.ts'
import type { BootDirectory, JournalBoot } from './boot-directory.ts'
import type { BootJournal } from './boot-journal.ts'
import { endOf, gapAt, nextGapAfter, normaliseGaps } from './gaps.ts'
import { FlowWindow } from './flow-window.ts'
import { Latch } from './latch.ts'

/** The way to one viewer, whatever carries it. */
export interface ConsoleOutlet {
  /** Resolves when there is room for more; rejects when the viewer is gone. */
  send(message: string | Uint8Array): Promise<void>
}

export interface SessionOptions {
  readonly boot: JournalBoot
  readonly offset: number
  readonly journal: BootJournal
  readonly directory: BootDirectory
  readonly outlet: ConsoleOutlet
  readonly clock: Clock
  describe(boot: JournalBoot): Promise<ConsoleBoot>
}

/** Small reads come at most this often, in milliseconds: a line at a time would cost more than the lines do. */
const GATHER_MS = 4
const SMALL_READ_BYTES = 8 * 1024

/**
 * Sends one boot's journal to one viewer, from an offset on, for as long as the viewer stays: every byte that is
 * kept, once, in order; an explicit gap for what is not. Holds one chunk, and never more than the window is under
 * way.
 */
export class ConsoleSession {
  private readonly options: SessionOptions
  private readonly window: FlowWindow
  private readonly changed = new Latch()
  private readonly disposables = new DisposableStore()
  private readonly announcedGaps = new Set<number>()
  private readonly buffer = new Uint8Array(CONSOLE_CHUNK_BYTES)
  private hasEnded = false
  private hasAnnouncedNext = false
  private lastSentAt = 0

  constructor(options: SessionOptions) {
    this.options = options
    this.window = new FlowWindow(options.offset)
  }

  /** Runs until the viewer is gone or the session is closed. Rejects with what went wrong. */
  async run(): Promise<void> {
    this.disposables.add(this.options.journal.follow(() => this.changed.set()))
    while (!this.disposables.isDisposed) {
      const hasMoved = await this.step()
      if (!hasMoved) await this.changed.wait()
    }
  }

  /** The viewer has drawn everything below `offset`. False when it was never sent that far. */
  ack(offset: number): boolean {
    const isPossible = this.window.ack(offset)
    this.changed.set()
    return isPossible
  }

  /** Something about this boot, or a newer one of its environment, has changed. */
  bootChanged(): void {
    this.changed.set()
  }

  close(): void {
    this.disposables.dispose()
    this.changed.set()
  }

  /** Does what can be done now; false when there is nothing to do. */
  private async step(): Promise<boolean> {
    const boot = this.bootNow()
    if (await this.announceGaps(boot)) return true
    if (this.hasEnded) return await this.announceNext(boot)
    const room = Math.min(this.window.room, CONSOLE_CHUNK_BYTES)
    if (room <= 0) return false
    const bytes = await this.read(boot, room)
    if (bytes === undefined) return true
    if (bytes.byteLength > 0) await this.sendBytes(bytes)
    else await this.announceEnd(boot)
    return bytes.byteLength > 0 || this.hasEnded
  }

  private bootNow(): JournalBoot {
    const { boot, directory } = this.options
    return directory.boot(boot.bootId) ?? { ...boot, endedAt: boot.endedAt ?? this.options.clock.now() }
  }

  private async announceGaps(boot: JournalBoot): Promise<boolean> {
    const gaps = normaliseGaps(boot.gaps)
    const unknown = gaps.find((gap) => this.isUnannounced(gap))
    if (unknown !== undefined) {
      this.announcedGaps.add(unknown.offset)
      await this.notify({ type: 'gap', gap: unknown })
      return true
    }
    const { position } = this.window
    const gap = gapAt(gaps, position)
    if (gap === undefined) return false
    this.window.jumpTo(endOf(gap))
    await this.notify({ type: 'gap', gap: { ...gap, offset: position, length: endOf(gap) - position } })
    return true
  }

  /** Of unknown length, and behind the viewer or just before it. */
  private isUnannounced(gap: ConsoleGap): boolean {
    const isReached = gap.offset >= this.options.offset && gap.offset <= this.window.position
    return gap.length === null && isReached && !this.announcedGaps.has(gap.offset)
  }

  /** Undefined when the bytes gave way while they were being read: a gap stands there now. */
  private async read(boot: JournalBoot, room: number): Promise<Uint8Array | undefined> {
    const { position } = this.window
    const wanted = Math.min(room, nextGapAfter(normaliseGaps(boot.gaps), position) - position)
    const bytes = this.buffer.subarray(0, wanted)
    const length = await this.options.journal.read(bytes, position)
    // Gaps are recorded before bytes are given up: without one now, what was read is what the guest wrote.
    const isOvertaken = nextGapOverlaps(this.bootNow().gaps, position, length)
    return isOvertaken ? undefined : bytes.subarray(0, length)
  }

  private async sendBytes(bytes: Uint8Array): Promise<void> {
    const { clock, outlet } = this.options
    const offset = this.window.position
    this.window.sent(bytes.byteLength)
    await outlet.send(encodeConsoleChunk({ offset, bytes }))
    const sinceLastMs = clock.now() - this.lastSentAt
    this.lastSentAt = clock.now()
    if (bytes.byteLength < SMALL_READ_BYTES && sinceLastMs < GATHER_MS) await clock.sleep(GATHER_MS)
  }

  private async announceEnd(boot: JournalBoot): Promise<void> {
    if (boot.endedAt === null) return
    // The end was known before the read that found nothing: what the guest wrote last is in the file by then.
    const { endOffset } = await this.options.describe(boot)
    if (this.window.position < endOffset) return
    this.hasEnded = true
    await this.notify({ type: 'ended', endOffset })
  }

  private async announceNext(boot: JournalBoot): Promise<boolean> {
    if (this.hasAnnouncedNext) return false
    const { directory } = this.options
    const newer = directory.bootsOf(boot.environmentId).filter((other) => other.ordinal > boot.ordinal)
    const next = newer.reduce<JournalBoot | undefined>(
      (first, other) => (first === undefined || other.ordinal < first.ordinal ? other : first),
      undefined,
    )
    if (next === undefined) return false
    this.hasAnnouncedNext = true
    await this.notify({ type: 'next-boot', boot: await this.options.describe(next) })
    return true
  }

  private async notify(notice: ConsoleNotice): Promise<void> {
    await this.options.outlet.send(JSON.stringify(notice))
  }
}

function nextGapOverlaps(gaps: readonly ConsoleGap[], position: number, length: number): boolean {
  const normal = normaliseGaps(gaps)
  return gapAt(normal, position) !== undefined || nextGapAfter(normal, position) < position + length
}
