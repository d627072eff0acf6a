import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Duplex } from 'node:stream'
import { WebSocketServer } from 'ws'
import { BRIDGE_RPC_PATH } from '../../../src-shared/contract/app.ts'
import { CONSOLE_STREAM_PATH } from '../../../src-shared/contract/console-stream.ts'
import { CHANNEL_LOST } from '../../../src-shared/lib/message-channel.ts'
import type { Bridge } from '../../bridge/bridge.ts'
import { webSocketChannel } from '../../lib/web-socket-channel.ts'
import { readAsset } from '../assets.ts'
import { pageHeaders } from '../content-policy.ts'
import { hasToken, isForLoopback, isOwnOrigin, PROTOCOL } from './access.ts'

const LOOPBACK = '127.0.0.1'
/** Largest message taken from a page; calls hold at most 1 MiB of input. */
const MESSAGE_BYTES_MOST = 4 * 1024 * 1024

export interface WebServerOptions {
  /** The built renderer. */
  readonly root: string
  /** 0 for any free port. */
  readonly port: number
  /** What a page must know to be let in; new at each launch. */
  readonly token: string
}

export interface WebServer {
  /** With the token; whoever has it has the console. */
  readonly address: string
  close(): Promise<void>
}

function end(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', ...pageHeaders("'none'") }).end(body)
}

async function servePage(request: IncomingMessage, response: ServerResponse, root: string): Promise<void> {
  if (!isForLoopback(request)) {
    end(response, 403, 'This address is for this machine only.\n')
    return
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    end(response, 405, 'Only GET.\n')
    return
  }
  const pathname = (request.url ?? '/').split('?', 1)[0] ?? '/'
  const asset = await readAsset(root, pathname)
  if (asset === undefined) {
    end(response, 404, 'There is nothing here.\n')
    return
  }
  response.writeHead(200, {
    ...pageHeaders("'self'"),
    'content-type': asset.contentType,
    'content-length': asset.body.length,
    'cache-control': asset.isImmutable ? 'private, max-age=31536000, immutable' : 'no-store',
  })
  response.end(request.method === 'HEAD' ? undefined : asset.body)
}

function refuse(socket: Duplex, status: string): void {
  socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`)
}

/** Why a WebSocket is not opened; undefined for one of our own page, with the token, to a path that there is. */
function refusalOf(request: IncomingMessage, token: string): string | undefined {
  if (!isForLoopback(request) || !isOwnOrigin(request)) return '403 Forbidden'
  if (!hasToken(request, token)) return '401 Unauthorized'
  const pathname = (request.url ?? '').split('?', 1)[0]
  return pathname === BRIDGE_RPC_PATH || pathname === CONSOLE_STREAM_PATH ? undefined : '404 Not Found'
}

function acceptChannels(bridge: Bridge, token: string) {
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MESSAGE_BYTES_MOST,
    perMessageDeflate: false,
    handleProtocols: () => PROTOCOL,
  })
  const upgrade = (request: IncomingMessage, socket: Duplex, head: Buffer): void => {
    socket.on('error', () => socket.destroy())
    const refusal = refusalOf(request, token)
    if (refusal !== undefined) {
      refuse(socket, refusal)
      return
    }
    const [pathname, query = ''] = (request.url ?? '').split('?', 2)
    sockets.handleUpgrade(request, socket, head, (client) => {
      const channel = webSocketChannel(client, CHANNEL_LOST)
      if (pathname === CONSOLE_STREAM_PATH) bridge.acceptConsole(channel, query)
      else bridge.acceptRpc(channel)
    })
  }
  return { upgrade, close: () => sockets.clients.forEach((client) => client.terminate()) }
}

/** Serves the renderer and the bridge on loopback. Rejects when the port is taken. */
export async function startWebServer(bridge: Bridge, { root, port, token }: WebServerOptions): Promise<WebServer> {
  const server = createServer((request, response) => {
    servePage(request, response, root).catch(() => response.destroy())
  })
  const channels = acceptChannels(bridge, token)
  server.on('upgrade', channels.upgrade)
  server.listen(port, LOOPBACK)
  await once(server, 'listening')
  const { port: chosen } = server.address() as AddressInfo
  return {
    address: `http://${LOOPBACK}:${chosen}/?token=${token}`,
    close: async () => {
      channels.close()
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
