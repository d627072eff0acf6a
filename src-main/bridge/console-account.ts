import { consoleRequestSchema, decodeConsoleChunk } from '../../src-shared/contract/console-stream.ts'

const OFFSET_BYTES = 8

/** Counts what was passed on to a viewer and not yet acknowledged, so that a host which floods is noticed. */
export class ConsoleAccount {
  private readonly held: { readonly end: number; readonly bytes: number }[] = []
  private total = 0
  private lastEnd = 0
  private ackedTo = 0

  get heldBytes(): number {
    return this.total
  }

  sent(message: string | Uint8Array): void {
    if (typeof message !== 'string' && message.byteLength >= OFFSET_BYTES) {
      const { offset, bytes } = decodeConsoleChunk(message)
      this.lastEnd = offset + bytes.byteLength
    }
    // A notice is taken with the bytes before it; behind the last of them it is taken at once.
    if (this.lastEnd <= this.ackedTo) return
    const bytes = typeof message === 'string' ? message.length : message.byteLength
    this.held.push({ end: this.lastEnd, bytes })
    this.total += bytes
  }

  /** Takes a request of the viewer; all but acknowledgements are passed over. */
  asked(text: string): void {
    const offset = acknowledgedBy(text)
    if (offset === undefined) return
    this.ackedTo = Math.max(this.ackedTo, offset)
    const first = this.held.findIndex(({ end }) => end > this.ackedTo)
    for (const { bytes } of this.held.splice(0, first < 0 ? this.held.length : first)) this.total -= bytes
  }
}

function acknowledgedBy(text: string): number | undefined {
  try {
    const request = consoleRequestSchema.safeParse(JSON.parse(text))
    return request.data?.type === 'ack' ? request.data.offset : undefined
  } catch {
    return undefined
  }
}
