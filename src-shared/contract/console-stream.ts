import { z } from 'zod'
import { errorDataSchema, ERROR_CODES, type ErrorCode } from '../error.ts'
import { byteOffsetSchema, consoleBootSchema, consoleGapSchema, typingLeaseSchema } from '../model/console.ts'
import { bootIdSchema, environmentRefSchema } from '../model/ids.ts'

/**
 * The console stream: one message channel per viewer, WebSocket or MessagePort, the same on every hop.
 *
 * Client → daemon: text = `ConsoleRequest` as JSON; binary = bytes typed, taken only while the lease is held.
 * Daemon → client: text = `ConsoleNotice` as JSON; binary = 8-byte big-endian offset, then journal bytes.
 *
 * Flow control is end to end: the daemon sends at most `CONSOLE_WINDOW_BYTES` past the last `ack`, so that every
 * hop between the journal and the screen holds a bounded number of bytes. A hop only relays.
 */
export const CONSOLE_WINDOW_BYTES = 2 * 1024 * 1024
/** Most journal bytes in one binary message. */
export const CONSOLE_CHUNK_BYTES = 64 * 1024
/** Most typed bytes in one binary message; more is `input_too_large`. */
export const CONSOLE_INPUT_BYTES = 64 * 1024

/** The path of the console stream on the daemon's socket and on the bridge; the query is `consoleTargetSchema`. */
export const CONSOLE_STREAM_PATH = '/console'

/** What to open. Without `bootId` the newest boot; without `offset` from its first byte that is still kept. */
export const consoleTargetSchema = z.object({
  environment: environmentRefSchema,
  bootId: bootIdSchema.optional(),
  offset: z.coerce.number().pipe(byteOffsetSchema).optional(),
})
export type ConsoleTarget = z.infer<typeof consoleTargetSchema>

export const consoleRequestSchema = z.discriminatedUnion('type', [
  /** Every byte below `offset` has been drawn. */
  z.object({ type: z.literal('ack'), offset: byteOffsetSchema }),
  /** Ask for the keyboard; `takeOver` takes it from its holder, who is told. */
  z.object({ type: z.literal('claim-typing'), takeOver: z.boolean() }),
  z.object({ type: z.literal('release-typing') }),
])
export type ConsoleRequest = z.infer<typeof consoleRequestSchema>

export const consoleNoticeSchema = z.discriminatedUnion('type', [
  /** First message: what is being served, and where the bytes begin. */
  z.object({ type: z.literal('opened'), boot: consoleBootSchema, offset: byteOffsetSchema, lease: typingLeaseSchema }),
  /** The bytes of the gap will not come; the next binary message continues behind it. */
  z.object({ type: z.literal('gap'), gap: consoleGapSchema }),
  z.object({ type: z.literal('lease'), lease: typingLeaseSchema }),
  /** This boot's journal is complete and has been sent whole. */
  z.object({ type: z.literal('ended'), endOffset: byteOffsetSchema }),
  /** A newer boot exists; the viewer may open it. */
  z.object({ type: z.literal('next-boot'), boot: consoleBootSchema }),
  /** Something was refused; the stream goes on unless it closes. */
  z.object({
    type: z.literal('error'),
    code: z.enum(ERROR_CODES as [ErrorCode, ...ErrorCode[]]),
    message: z.string(),
    ...errorDataSchema.shape,
  }),
])
export type ConsoleNotice = z.infer<typeof consoleNoticeSchema>

const OFFSET_BYTES = 8

/** Journal bytes with their place. */
export interface ConsoleChunk {
  readonly offset: number
  readonly bytes: Uint8Array
}

export function encodeConsoleChunk(chunk: ConsoleChunk): Uint8Array {
  const frame = new Uint8Array(OFFSET_BYTES + chunk.bytes.byteLength)
  new DataView(frame.buffer).setBigUint64(0, BigInt(chunk.offset))
  frame.set(chunk.bytes, OFFSET_BYTES)
  return frame
}

/** The bytes are a view of `frame`, not a copy. Throws a RangeError for a frame too short to hold an offset. */
export function decodeConsoleChunk(frame: Uint8Array): ConsoleChunk {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  return { offset: Number(view.getBigUint64(0)), bytes: frame.subarray(OFFSET_BYTES) }
}
