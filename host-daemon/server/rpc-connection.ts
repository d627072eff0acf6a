import { createServerPeerHandleRequestFn } from '@orpc/server/standard-peer'
import type { StandardHandler } from '@orpc/server/standard'
import {
  encodeResponseMessage,
  experimental_ServerPeerWithoutCodec,
  MessageType,
  type ServerPeerHandleRequestFn,
} from '@orpc/standard-server-peer'
import type { WebSocket } from 'ws'
import { PilothouseError } from '../../src-shared/error.ts'
import { toWireError } from './wire-error.ts'
import type { ServedCaller } from './call-guard.ts'
import { readMessage, type RpcMessage, type RpcRequest } from './rpc-message.ts'
import { CLOSE, WebSocketChannel } from './web-socket-channel.ts'

/** Messages of no protocol that one connection may send before it is closed. */
const MOST_REFUSALS = 100

export interface RpcConnectionOptions {
  readonly handler: StandardHandler<ServedCaller>
  readonly maxCalls: number
  /** Called for every message: what it says of itself bound to what the connection is. */
  callerOf(headers: RpcRequest['headers']): ServedCaller
}

type Call = Extract<RpcMessage, { kind: 'call' }>
type Refusal = Extract<RpcMessage, { kind: 'refused' }>

/** One client's calls over one WebSocket. Nothing that a client sends makes it throw. */
export class RpcConnection {
  private readonly channel: WebSocketChannel
  private readonly options: RpcConnectionOptions
  private readonly peer: experimental_ServerPeerWithoutCodec
  private readonly calls = new Set<string>()
  private refusals = 0

  constructor(socket: WebSocket, options: RpcConnectionOptions) {
    this.options = options
    this.channel = new WebSocketChannel(socket)
    this.peer = new experimental_ServerPeerWithoutCodec(async (message) => {
      await this.channel.send(await encoded(message))
    })
    socket.on('message', (data: Buffer, isBinary) => this.take(readMessage(data, isBinary)))
    socket.on('close', () => this.peer.close())
  }

  private take(message: RpcMessage): void {
    if (message.kind === 'call') this.start(message)
    else if (message.kind === 'refused') this.refuse(message)
    // Aborting what is not under way, or never was, is nothing.
    else this.peer.close({ id: message.id, reason: new DOMException('The caller gave the call up.', 'AbortError') })
  }

  private start(call: Call): void {
    if (this.calls.has(call.id)) {
      this.refuse({ ...asRefusal(call), id: null, error: new PilothouseError('invalid_request', DUPLICATE) })
      return
    }
    if (this.calls.size >= this.options.maxCalls) {
      this.refuse({ ...asRefusal(call), error: tooManyCalls(this.options.maxCalls) })
      return
    }
    this.calls.add(call.id)
    // It fails only when the connection does, and then there is nobody to tell.
    this.answer(call)
      .catch(() => undefined)
      .finally(() => this.calls.delete(call.id))
  }

  private async answer({ id, request }: Call): Promise<void> {
    const context = this.options.callerOf(request.headers)
    const handle = createServerPeerHandleRequestFn(this.options.handler, { context })
    await this.peer.message([id, MessageType.REQUEST, { ...request, headers: {}, method: 'POST' }], handle)
  }

  private refuse({ id, error, headers }: Refusal): void {
    const { requestId, logger } = this.options.callerOf(headers)
    const wire = toWireError(error.withRequestId(requestId))
    logger.warn({ code: error.code, reason: error.message }, 'message refused')
    this.refusals += error.code === 'invalid_request' ? 1 : 0
    if (this.refusals > MOST_REFUSALS) {
      this.channel.close(CLOSE.policy, 'too many messages of no protocol')
      return
    }
    const response = { status: wire.status, headers: {}, body: { json: wire.toJSON() } }
    // A refusal of something that had no id is for the eyes of whoever debugs a client.
    encoded([id as string, MessageType.RESPONSE, response])
      .then((text) => this.channel.send(text))
      .catch(() => undefined)
  }
}

const DUPLICATE = 'A call with this id is still under way on this connection.'

function asRefusal({ id, request }: Call): Omit<Refusal, 'error'> {
  return { kind: 'refused', id, headers: request.headers }
}

function tooManyCalls(maxCalls: number): PilothouseError {
  return new PilothouseError('host_limit_reached', `This connection has ${maxCalls} calls under way already.`, {
    hint: 'Wait for answers before asking more.',
    retryable: true,
    details: { maxCalls },
  })
}

type StandardResponse = Awaited<ReturnType<ServerPeerHandleRequestFn>>
type PeerMessage = Parameters<ConstructorParameters<typeof experimental_ServerPeerWithoutCodec>[0]>[0]

async function encoded(message: PeerMessage): Promise<string> {
  const [id, type, payload] = message as [string, MessageType.RESPONSE, StandardResponse]
  const text = await encodeResponseMessage(id, type, payload)
  if (typeof text !== 'string') throw new TypeError('answers are text')
  return text
}
