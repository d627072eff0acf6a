import type { ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { STATUS_CODES } from 'node:http'
import type { PilothouseError } from '../../src-shared/error.ts'
import { toWireError } from './wire-error.ts'

/** Answers a request with an error of the closed set, as the REST view writes them. */
export function replyWithError(response: ServerResponse, error: PilothouseError): void {
  const wire = toWireError(error)
  if (response.headersSent) {
    response.destroy()
    return
  }
  response.writeHead(wire.status, { 'content-type': 'application/json' })
  response.end(`${JSON.stringify(wire.toJSON())}\n`)
}

export interface BareReply {
  readonly status: number
  readonly message: string
}

/** The same where there is a connection and no more: an upgrade that is refused, bytes that are not HTTP. */
export function endWithReply(socket: Duplex, reply: BareReply | PilothouseError): void {
  const isError = reply instanceof Error
  const status = isError ? toWireError(reply).status : reply.status
  const body = `${JSON.stringify(isError ? toWireError(reply).toJSON() : { message: reply.message })}\n`
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}`,
    'connection: close',
    'content-type: application/json',
    `content-length: ${Buffer.byteLength(body)}`,
  ]
  if (socket.writable) socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy())
  else socket.destroy()
}
