import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer, type WebSocket } from 'ws'
import type { Clock, RandomSource } from '../../src-shared/lib/clock.ts'
import { CONSOLE_STREAM_PATH } from '../../src-shared/contract/console-stream.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Role } from '../../src-shared/model/role.ts'
import type { Logger } from '../logging/logger.ts'
import type { UserNames } from '../system/accounts.ts'
import { peerCredentialsOf } from '../system/peer-credentials.ts'
import type { ServedCaller } from './call-guard.ts'
import type { CallHandlers } from './call-handlers.ts'
import { callerOf, requestIdIn, type ConnectionPeer } from './caller-context.ts'
import { endWithReply, replyWithError } from './http-reply.ts'
import { REST_PREFIX, type RestEndpoint } from './rest-endpoint.ts'
import { RpcConnection } from './rpc-connection.ts'
import { FRAME_BYTES } from './rpc-message.ts'
import { CLOSE, ExplainedWebSocket } from './web-socket-channel.ts'

export const RPC_PATH = '/rpc'
/** How long a peer may take to answer a close before it is cut, in milliseconds. */
const CLOSE_TIMEOUT_MS = 1_000
/** How long a connection that is one too many may take to ask, to be told so, in milliseconds; and how many may. */
const REFUSED_MS = 1_000
const MOST_REFUSED = 32

/** Serves the console stream on a connection that asked for one. Never throws. */
export interface ConsoleEndpoint {
  serve(socket: WebSocket, caller: ServedCaller, query: URLSearchParams): void
}

export interface RoleSocketOptions {
  readonly role: Role
  readonly maxConnections: number
  readonly maxCallsPerConnection: number
  readonly peerSilentMs: number
  readonly handlers: CallHandlers
  readonly rest: RestEndpoint
  readonly consoles: ConsoleEndpoint
  readonly users: UserNames
  readonly logger: Logger
  readonly clock: Clock
  readonly random: RandomSource
}

/** One role's HTTP server: calls, consoles and the REST view. Which of the three it is *is* the caller's role. */
export class RoleSocket {
  readonly server: Server
  private readonly options: RoleSocketOptions
  private readonly webSockets: WebSocketServer
  private readonly connections = new Set<Socket>()
  private readonly refused = new Set<Duplex>()
  private readonly peers = new WeakMap<Duplex, Promise<ConnectionPeer>>()
  private readonly answered = new WeakSet<WebSocket>()
  private readonly stopped = new AbortController()

  constructor(options: RoleSocketOptions) {
    this.options = options
    this.webSockets = new WebSocketServer({
      noServer: true,
      perMessageDeflate: false,
      maxPayload: FRAME_BYTES,
      WebSocket: ExplainedWebSocket,
    })
    this.server = createServer((request, response) => void this.answer(request, response))
    this.server.on('connection', (socket) => this.admit(socket))
    this.server.on('upgrade', (request, socket, head) => void this.upgrade(request, socket, head))
    this.server.on('clientError', (_error, socket) => endWithReply(socket, NOT_HTTP))
    void this.watchSilence()
  }

  /** Says goodbye to everyone; resolves when the last connection is gone. */
  async close(): Promise<void> {
    this.stopped.abort()
    const closed = new Promise((resolve) => this.server.close(resolve))
    for (const client of this.webSockets.clients) client.close(CLOSE.goingAway, 'the daemon is stopping')
    this.server.closeIdleConnections()
    const patience = new AbortController()
    const cut = this.options.clock.sleep(CLOSE_TIMEOUT_MS, patience.signal).then(() => this.cutAll(), NOTHING)
    await closed
    patience.abort()
    await cut
  }

  private cutAll(): void {
    for (const socket of this.connections) socket.destroy()
  }

  private admit(socket: Socket): void {
    const { maxConnections, logger } = this.options
    const isTooMany = this.connections.size - this.refused.size >= maxConnections
    socket.on('error', NOTHING)
    // One that is too many is told so when it asks; but of those there are not endlessly many either.
    if (isTooMany && this.refused.size >= MOST_REFUSED) return void socket.destroy()
    this.connections.add(socket)
    if (isTooMany) {
      logger.warn({ maxConnections }, 'connection refused: too many')
      this.refused.add(socket)
      socket.setTimeout(REFUSED_MS, () => socket.destroy())
    } else this.identify(socket)
    socket.once('close', () => {
      this.connections.delete(socket)
      this.refused.delete(socket)
    })
  }

  /** A connection of nobody known is ended before anything is read from it. */
  private identify(socket: Socket): void {
    const { role, users, logger } = this.options
    try {
      const { uid, pid } = peerCredentialsOf(socket)
      this.peers.set(
        socket,
        users.nameOf(uid).then((user) => ({ role, uid, user, pid })),
      )
      logger.debug({ uid, pid }, 'connected')
    } catch (error) {
      logger.warn({ err: error }, 'connection refused: the kernel does not say whose it is')
      socket.destroy()
    }
  }

  private async callerFor(request: IncomingMessage): Promise<(headers: IncomingMessage['headers']) => ServedCaller> {
    const peer = await this.peers.get(request.socket)
    if (peer === undefined) throw new PilothouseError('forbidden', 'The daemon does not know whose connection this is.')
    return (headers) => {
      const caller = callerOf(peer, headers, this.options.random)
      const { requestId, actor } = caller
      return { ...caller, logger: this.options.logger.child({ requestId, user: actor.user, uid: actor.uid }) }
    }
  }

  private async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (this.refused.has(request.socket)) {
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
      if (this.refused.has(socket)) {
        endWithReply(socket, FULL)
        return
      }
      const url = new URL(request.url ?? '/', 'http://pilothoused')
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
    this.answered.add(client)
    client.on('pong', () => this.answered.add(client))
  }

  /** A peer that does not answer pings is gone or frozen; what it holds (a keyboard, subscriptions) is let go. */
  private async watchSilence(): Promise<void> {
    const { clock, peerSilentMs } = this.options
    try {
      for (;;) {
        await clock.sleep(peerSilentMs / 2, this.stopped.signal)
        for (const client of this.webSockets.clients) this.ping(client)
      }
    } catch {
      // Aborted: the socket is being closed.
    }
  }

  private ping(client: WebSocket): void {
    if (!this.answered.has(client)) {
      client.terminate()
      return
    }
    this.answered.delete(client)
    client.ping()
  }

  private failed(request: IncomingMessage, cause: unknown): PilothouseError {
    const requestId = requestIdIn(request.headers, this.options.random)
    this.options.logger.error({ requestId, err: cause }, 'request failed')
    return new PilothouseError('internal', `The daemon failed; its log has the details under ${requestId}.`, {
      requestId,
    })
  }
}

const NOTHING = (): void => undefined
const NOT_HTTP = new PilothouseError('invalid_request', 'These bytes are not HTTP.')
const FULL = {
  status: 503,
  message: 'The daemon has as many connections on this socket as it may have; try again later.',
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
