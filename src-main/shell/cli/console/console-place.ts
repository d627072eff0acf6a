import {
  consoleNoticeSchema,
  decodeConsoleChunk,
  type ConsoleNotice,
  type ConsoleTarget,
} from '../../../../src-shared/contract/console-stream.ts'
import { PilothouseError } from '../../../../src-shared/error.ts'
import type { BootId } from '../../../../src-shared/model/ids.ts'

export type ConsoleItem =
  | { readonly type: 'bytes'; readonly bootId: BootId; readonly offset: number; readonly bytes: Uint8Array }
  | { readonly type: 'cut'; readonly failure: PilothouseError; readonly retryInMs: number }
  | { readonly type: 'refused'; readonly failure: PilothouseError }
  | Exclude<ConsoleNotice, { type: 'error' }>

/** Where a viewer is in the journals: what it has, and what it must get next. */
export class ConsolePlace {
  /** What to ask for after a cut. */
  target: ConsoleTarget
  /** The boot's journal has been read whole. */
  isEnded = false
  /** One past the last byte that has been drawn. */
  drawn = 0
  private bootId: BootId | undefined
  /** The next byte; undefined behind a gap of unknown length. */
  private expected: number | undefined
  private nextBoot: BootId | undefined

  constructor(target: ConsoleTarget) {
    this.target = target
  }

  /** What a message says. Throws `protocol_mismatch` for one that is not of the stream, or not the next byte. */
  read(message: string | Uint8Array): ConsoleItem {
    if (typeof message !== 'string') return this.readBytes(message)
    const notice = consoleNoticeSchema.safeParse(JSON.parse(message))
    if (!notice.success) throw new PilothouseError('protocol_mismatch', 'The console stream said something unknown.')
    if (notice.data.type !== 'error') return notice.data
    return { type: 'refused', failure: PilothouseError.fromFailure(notice.data) }
  }

  private readBytes(message: Uint8Array): ConsoleItem {
    const { offset, bytes } = decodeConsoleChunk(message)
    if (this.bootId === undefined || (this.expected !== undefined && offset !== this.expected)) {
      const wanted = this.bootId === undefined ? 'before it was opened' : `instead of offset ${this.expected ?? 0}`
      throw new PilothouseError('protocol_mismatch', `The console stream sent offset ${offset} ${wanted}.`)
    }
    return { type: 'bytes', bootId: this.bootId, offset, bytes }
  }

  /** The item has been drawn. */
  advance(item: ConsoleItem): void {
    switch (item.type) {
      case 'opened':
        this.bootId = item.boot.bootId
        this.isEnded = false
        this.moveTo(item.offset)
        break
      case 'bytes':
        this.moveTo(item.offset + item.bytes.byteLength)
        break
      case 'gap':
        if (item.gap.length === null) this.expected = undefined
        else this.moveTo(item.gap.offset + item.gap.length)
        break
      case 'ended':
        this.isEnded = true
        break
      case 'next-boot':
        this.nextBoot = item.boot.bootId
        break
      case 'cut':
      case 'lease':
      case 'refused':
    }
  }

  private moveTo(offset: number): void {
    this.expected = offset
    this.drawn = offset
    this.target = { ...this.target, bootId: this.bootId, offset }
  }

  /** Goes on with the boot after the ended one; false where none is known yet. */
  enterNextBoot(): boolean {
    if (!this.isEnded || this.nextBoot === undefined) return false
    this.target = { environment: this.target.environment, bootId: this.nextBoot }
    this.nextBoot = undefined
    this.isEnded = false
    return true
  }
}
