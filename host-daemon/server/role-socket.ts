import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Clock, RandomSource } from '../../src-shared/lib/clock.ts'
import { CONSOLE_STREAM_PATH } from '../../src-shared/contract/console-stream.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { ServedCaller } from './call-guard.ts'
import type { CallHandlers } from './call-handlers.ts'
import { callerOf, requestIdIn } from './caller-context.ts'
import { Connections, type ConnectionsOptions } from './connections.ts'
import { endWithReply, replyWithError } from './http-reply.ts'
import { REST_PREFIX, type RestEndpoint } from './rest-endpoint.ts'
import { RpcConnection } from './rpc-connection.ts'
import { FRAME_BYTES } from './rpc-message.ts'
import { SilenceWatch } from './silence-watch.ts'
import { CLOSE, ExplainedWebSocket } from './web-socket-channel.ts'

export const RPC_PATH = '/rpc'
/** How long a peer may take to answer a close before it is cut, in milliseconds. */
const CLOSE_TIMEOUT_MS = 1_000

/** Serves the console stream on a connection that asked for one. Never throws. */
export interface ConsoleEndpoint {
  serve(socket: WebSocket, caller: ServedCaller, query: URLSearchParams): void
}

export interface RoleSocketOptions extends ConnectionsOptions {
  readonly maxCallsPerConnection: number
  readonly peerSilentMs: number
  readonly handlers: CallHandlers
  readonly rest: RestEndpoint
  readonly consoles: ConsoleEndpoint
  readonly clock: Clock
  readonly random: RandomSource
}

/** One role's HTTP server: calls, consoles and the REST view. Which of the three it is *is* the caller's role. */
export class RoleSocket {
  readonly server: Server
  private readonly options: RoleSocketOptions
  private readonly webSockets: WebSocketServer
  private readonly connections: Connections
  private readonly silence = new SilenceWatch()
  private readonly stopped = new AbortController()

  constructor(options: RoleSocketOptions) {
    this.options = options
    this.connections = new Connections(options)
    this.webSockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: FRAME_BYTES,
      WebSocket: ExplainedWebSocket,
    })
    this.server = createServer((request, response) => void this.answer(request, response))
    this.server.on('connection', (socket) => this.connections.admit(socket))
    this.server.on('upgrade', (request, socket, head) => void this.upgrade(request, socket, head))
    this.server.on('clientError', (_error, socket) => endWithReply(socket, NOT_HTTP))
    const { clock, peerSilentMs: silentMs } = options
    void this.silence.run(this.webSockets.clients, { clock, silentMs, signal: this.stopped.signal })
  }

  /** Says goodbye to everyone; resolves when the last connection is gone. */
  async close(): Promise<void> {
    this.stopped.abort()
    const closed = new Promise((resolve) => this.server.close(resolve))
    for (const client of this.webSockets.clients) client.close(CLOSE.goingAway, 'the daemon is stopping')
    this.server.closeIdleConnections()
    const patience = new AbortController()
    const cut = this.options.clock.sleep(CLOSE_TIMEOUT_MS, patience.signal).then(
      () => this.connections.cutAll(),
      () => undefined,
    )
    await closed
    patience.abort()
    await cut
  }

  private async callerFor(request: IncomingMessage): Promise<(headers: IncomingMessage['headers']) => ServedCaller> {
    const peer = await this.connections.peerOf(request.socket)
    if (peer === undefined) throw new PilothouseError('forbidden', 'The daemon does not know whose connection this is.')
    return (headers) => {
      const caller = callerOf(peer, headers, this.options.random)
      const { requestId, actor } = caller
      return { ...caller, logger: this.options.logger.child({ requestId, user: actor.user, uid: actor.uid }) }
    }
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (this.connections.isRefused(request.socket)) {
        endWithReply(request.socket, FULL)
        return
      }
      const context = (await this.callerFor(request))(request.headers)
      if (isRest(request.url)) await this.options.rest.handle(request, response, context)
      else throw nothingHere(request, context.requestId)
    } catch (error) {
      replyWithError(response, error instanceof PilothouseError ? error : this.failed(request, error))
    }
  }

  private async upgrade(request: IncomingMessage, socket: Duplex, head: Buffer): Promise<void> {
    try {
      if (this.connections.isRefused(socket)) {
        endWithReply(socket, FULL)
        return
      }
      const url = urlOf(request)
      const callerWith = await this.callerFor(request)
      if (url.pathname === RPC_PATH)
        this.webSockets.handleUpgrade(request, socket, head, (client) => this.serveCalls(client, callerWith))
      else if (url.pathname === CONSOLE_STREAM_PATH)
        this.webSockets.handleUpgrade(request, socket, head, (client) => {
          this.adopt(client)
          this.options.consoles.serve(client, callerWith(request.headers), url.searchParams)
        })
      else endWithReply(socket, nothingHere(request, requestIdIn(request.headers, this.options.random)))
    } catch (error) {
      endWithReply(socket, error instanceof PilothouseError ? error : this.failed(request, error))
    }
  }

  private serveCalls(client: WebSocket, callerWith: (headers: IncomingMessage['headers']) => ServedCaller): void {
    this.adopt(client)
    const { handlers, maxCallsPerConnection: maxCalls } = this.options
    new RpcConnection(client, { handler: handlers.rpc, maxCalls, callerOf: callerWith })
  }

  private adopt(client: WebSocket): void {
    client.on('error', (error) => this.options.logger.info({ reason: error.message }, 'connection broken'))
    this.silence.hear(client)
  }

  private failed(request: IncomingMessage, cause: unknown): PilothouseError {
    const requestId = requestIdIn(request.headers, this.options.random)
    this.options.logger.error({ requestId, err: cause }, 'request failed')
    return new PilothouseError('internal', `The daemon failed; its log has the details under ${requestId}.`, {
      requestId,
    })
  }
}

const NOT_HTTP = new PilothouseError('invalid_request', 'These bytes are not HTTP.')
const FULL = {
  status: 503,
  message: 'The daemon has as many connections on this socket as it may have; try again later.',
}

function urlOf({ url }: IncomingMessage): URL {
  try {
    return new URL(url ?? '/', 'http://pilothoused')
  } catch (cause) {
    throw new PilothouseError('invalid_request', 'The request names no address.', { cause })
  }
}

function isRest(url: string | undefined): boolean {
  return url?.startsWith(`${REST_PREFIX}/`) === true
}

function nothingHere(request: IncomingMessage, requestId: string): PilothouseError {
  const path = (request.url ?? '/').split('?')[0]
  return new PilothouseError('not_found', `The daemon serves nothing at ${path ?? '/'}.`, {
    hint: `Calls are a WebSocket at ${RPC_PATH}, consoles one at ${CONSOLE_STREAM_PATH}, and HTTP under ${REST_PREFIX}/.`,
    requestId,
  })
}
