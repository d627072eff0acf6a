import { CONSOLE_WINDOW_BYTES, type ConsoleChunk } from '../../../src-shared/contract/console-stream.ts'
import type { ConsoleBoot, ConsoleGap } from '../../../src-shared/model/console.ts'

/** Where a console draws. `done` is called once the bytes are in the terminal's buffer. */
export interface ConsoleSink {
  write(bytes: Uint8Array, done: () => void): void
  beginBoot(boot: ConsoleBoot): void
  markGap(gap: ConsoleGap): void
}

/** Chunks handed to the terminal and not yet drawn; more makes the terminal throw away or stall the page. */
export const MOST_PENDING = 10

/** Drawn bytes are told in steps of this while more is waiting: each telling is a message the whole way back. */
const TELL_STEP_BYTES = CONSOLE_WINDOW_BYTES / 8

type Item = { kind: 'bytes'; chunk: ConsoleChunk } | { kind: 'gap'; gap: ConsoleGap }

/**
 * Keeps journal bytes in order between the channel and the terminal. Every byte is handed over once, in order;
 * a hole is drawn as a gap. `onDrawn` gets the offset behind the last byte drawn, at most once per 256 KiB while
 * more is waiting.
 */
export class DrawQueue {
  private readonly sink: ConsoleSink
  private readonly onDrawn: (offset: number) => void
  private readonly items: Item[] = []
  private waiting: (() => void)[] = []
  private pending = 0
  private isPaused = false
  /** One past the last byte received and kept. */
  private received = -1
  /** One past the last byte handed to the terminal. */
  private handed = -1
  private told = 0
  private run = 0
  private mayJump = false

  constructor(sink: ConsoleSink, onDrawn: (offset: number) => void) {
    this.sink = sink
    this.onDrawn = onDrawn
  }

  get hasBegun(): boolean {
    return this.handed >= 0
  }

  /** The next byte needed when the channel has to be opened again. */
  get nextOffset(): number {
    return this.handed
  }

  restart(): void {
    this.dropUndrawn()
    this.run += 1
    this.pending = 0
    this.received = -1
    this.handed = -1
    this.told = 0
    this.isPaused = false
  }

  begin(boot: ConsoleBoot, offset: number): void {
    this.received = offset
    this.handed = offset
    this.told = offset
    this.sink.beginBoot(boot)
  }

  /** Forgets what was received and not handed over; it will be asked for again. */
  dropUndrawn(): void {
    this.items.length = 0
    this.waiting = []
    this.received = this.handed
    this.mayJump = false
  }

  /** False when bytes are missing in between: the channel must be opened again from `nextOffset`. */
  push(chunk: ConsoleChunk): boolean {
    const end = chunk.offset + chunk.bytes.byteLength
    if (end <= this.received) return true
    if (chunk.offset > this.received && !this.mayJump) return false
    const fresh = chunk.offset < this.received ? cutBefore(chunk, this.received) : chunk
    this.mayJump = false
    this.received = end
    this.items.push({ kind: 'bytes', chunk: fresh })
    this.pump()
    return true
  }

  gap(gap: ConsoleGap): void {
    const end = gap.offset + (gap.length ?? 0)
    if (gap.length !== null && end <= this.received) return
    this.received = Math.max(this.received, end)
    this.mayJump = true
    this.items.push({ kind: 'gap', gap })
    this.pump()
  }

  setPaused(isPaused: boolean): void {
    this.isPaused = isPaused
    this.pump()
  }

  /** Calls back once everything received so far is drawn. */
  whenDrawn(then: () => void): void {
    this.waiting.push(then)
    this.settle()
  }

  private pump(): void {
    while (!this.isPaused && this.pending < MOST_PENDING) {
      const item = this.items.shift()
      if (item === undefined) break
      if (item.kind === 'gap') this.hand(item.gap)
      else this.draw(item.chunk)
    }
    this.settle()
  }

  private hand(gap: ConsoleGap): void {
    this.sink.markGap(gap)
    this.handed = Math.max(this.handed, gap.offset + (gap.length ?? 0))
  }

  private draw({ offset, bytes }: ConsoleChunk): void {
    const end = offset + bytes.byteLength
    const run = this.run
    this.handed = end
    this.pending += 1
    this.sink.write(bytes, () => {
      if (run !== this.run) return
      this.pending -= 1
      if (this.pending === 0 || end - this.told >= TELL_STEP_BYTES) this.tell(end)
      this.pump()
    })
  }

  private tell(offset: number): void {
    this.told = offset
    this.onDrawn(offset)
  }

  private settle(): void {
    if (this.items.length > 0 || this.pending > 0) return
    for (const then of this.waiting.splice(0)) then()
  }
}

function cutBefore(chunk: ConsoleChunk, offset: number): ConsoleChunk {
  return { offset, bytes: chunk.bytes.subarray(offset - chunk.offset) }
}
