import { CONSOLE_WINDOW_BYTES } from '../../src-shared/contract/console-stream.ts'

/** What one viewer has been sent and has drawn: bytes under way are bounded, gaps count for nothing. */
export class FlowWindow {
  /** The next byte to send. */
  position: number
  private acked: number
  private readonly jumps: { readonly offset: number; readonly end: number }[] = []

  constructor(offset: number) {
    this.position = offset
    this.acked = offset
  }

  /** Bytes that may be sent now. */
  get room(): number {
    const skipped = this.jumps.reduce((sum, { offset, end }) => sum + end - Math.max(offset, this.acked), 0)
    return CONSOLE_WINDOW_BYTES - (this.position - this.acked - skipped)
  }

  sent(bytes: number): void {
    this.position += bytes
  }

  /** Goes on behind bytes that are gone. */
  jumpTo(end: number): void {
    this.jumps.push({ offset: this.position, end })
    this.position = end
  }

  /** False for an offset that was never sent; an old one changes nothing. */
  ack(offset: number): boolean {
    if (offset > this.position) return false
    this.acked = Math.max(this.acked, offset)
    while (this.jumps[0] !== undefined && this.jumps[0].end <= this.acked) this.jumps.shift()
    return true
  }
}
