import type { IncomingHttpHeaders } from 'node:http'
import { z } from 'zod'
import { CLAIMED_ACTOR_HEADER, REQUEST_ID_HEADER } from '../../src-shared/contract/client.ts'
import { PilothouseError } from '../../src-shared/error.ts'

/** Most bytes of one call's input. */
export const INPUT_BYTES = 1024 * 1024
/** Most bytes of one frame; above it the connection is closed. */
export const FRAME_BYTES = 4 * 1024 * 1024

const REQUEST = 1
const EVENT = 3
const ABORT = 4

/** What a client may send, as oRPC's peers write it. Blobs and streams of input are no part of our contract. */
const messageSchema = z.object({
  i: z.string().min(1).max(64),
  t: z.union([z.literal(REQUEST), z.literal(EVENT), z.literal(ABORT)]).default(REQUEST),
  p: z.unknown().optional(),
})
const requestSchema = z.object({
  u: z.string().max(256).startsWith('/'),
  h: z.record(z.string(), z.unknown()).default({}),
  b: z.unknown().optional(),
})

/** What a call without input carries. */
const NO_INPUT = {}

export type RpcMessage =
  | { readonly kind: 'call'; readonly id: string; readonly request: RpcRequest }
  | { readonly kind: 'abort'; readonly id: string }
  /** Not a message of the protocol; `id` is null where not even that could be read. */
  | { readonly kind: 'refused'; readonly id: string | null; readonly error: PilothouseError; readonly headers: Headers }

export interface RpcRequest {
  readonly url: URL
  readonly headers: Headers
  readonly body: unknown
}

type Headers = Readonly<IncomingHttpHeaders>

/** Reads one frame. Never throws: whatever it was sent is a call, an abort or a refusal. */
export function readMessage(frame: Buffer, isBinary: boolean): RpcMessage {
  if (isBinary) return refuse(null, 'This channel takes text messages only.')
  let json: unknown
  try {
    json = JSON.parse(frame.toString('utf8'))
  } catch {
    return refuse(null, 'The message is not JSON.')
  }
  const message = messageSchema.safeParse(json)
  if (!message.success) return refuse(idOf(json), 'The message has no call id and payload.')
  const { i: id, t: type, p: payload } = message.data
  if (type === ABORT) return { kind: 'abort', id }
  if (type === EVENT) return refuse(id, 'No call takes a stream of input.')
  return readRequest(id, payload, frame.byteLength)
}

function readRequest(id: string, payload: unknown, frameBytes: number): RpcMessage {
  const request = requestSchema.safeParse(payload)
  if (!request.success) return refuse(id, 'The message names no call.')
  const { u: path, h, b: body } = request.data
  const headers = knownHeaders(h)
  if (frameBytes > INPUT_BYTES && inputBytes(body) > INPUT_BYTES) return { ...tooLarge(id), headers }
  return { kind: 'call', id, request: { url: new URL(`http://orpc${path}`), headers, body: body ?? NO_INPUT } }
}

/** Only what says who asks: content types would let a message pose as a file or a stream. */
function knownHeaders(headers: Record<string, unknown>): Headers {
  const known = [REQUEST_ID_HEADER, CLAIMED_ACTOR_HEADER].flatMap((name) => {
    const value = headers[name]
    return typeof value === 'string' ? [[name, value]] : []
  })
  return Object.fromEntries(known) as Headers
}

/** The input as it came, with what describes it, without what the protocol puts around it. */
function inputBytes(body: unknown): number {
  const isBare = typeof body === 'object' && body !== null && Object.keys(body).join() === 'json'
  const input = isBare ? (body as { json: unknown }).json : body
  return input === undefined ? 0 : Buffer.byteLength(JSON.stringify(input))
}

export function inputTooLarge(): PilothouseError {
  return new PilothouseError('input_too_large', `The input is larger than ${INPUT_BYTES} bytes.`, {
    details: { limitBytes: INPUT_BYTES },
  })
}

function tooLarge(id: string) {
  return { kind: 'refused', id, error: inputTooLarge() } as const
}

function refuse(id: string | null, message: string): RpcMessage {
  return { kind: 'refused', id, error: new PilothouseError('invalid_request', message), headers: {} }
}

function idOf(json: unknown): string | null {
  if (typeof json !== 'object' || json === null || !('i' in json)) return null
  return typeof json.i === 'string' && json.i.length <= 64 ? json.i : null
}
