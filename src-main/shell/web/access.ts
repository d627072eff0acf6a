import { timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** The subprotocol that is spoken, and the prefix under which a client sends the token beside it. */
export const PROTOCOL = 'pilothouse'
const TOKEN_PREFIX = 'token.'

const LOOPBACK_NAMES = new Set(['127.0.0.1', 'localhost', '[::1]'])

/**
 * Whether a request was meant for us: a page of another name that resolves here (DNS rebinding) sends that name.
 * The port is not compared, so that a forwarded port works.
 */
export function isForLoopback({ headers: { host = '' } }: IncomingMessage): boolean {
  return LOOPBACK_NAMES.has(host.replace(/:[0-9]{1,5}$/, ''))
}

/** Whether a page of our own asks; another page on this machine has another port in its origin. */
export function isOwnOrigin({ headers: { host = '', origin } }: IncomingMessage): boolean {
  return origin === `http://${host}`
}

/** Whether the client holds this launch's token; compared in constant time. */
export function hasToken(request: IncomingMessage, token: string): boolean {
  const offered = (request.headers['sec-websocket-protocol'] ?? '').split(',').map((word) => word.trim())
  const given = Buffer.from(offered.find((word) => word.startsWith(TOKEN_PREFIX))?.slice(TOKEN_PREFIX.length) ?? '')
  const wanted = Buffer.from(token)
  return offered.includes(PROTOCOL) && given.length === wanted.length && timingSafeEqual(given, wanted)
}
