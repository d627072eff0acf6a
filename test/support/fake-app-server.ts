import { createServer, type ServerResponse } from 'node:http'
import { readFile } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { extname, join, normalize } from 'node:path'
import { WebSocketServer } from 'ws'
import { webSocketChannel } from '../../src-main/lib/web-socket-channel.ts'
import type { FakeApp } from './fake-app.ts'

/** As strict as the shells' own, so that what breaks there breaks here. */
const POLICY = [
  "default-src 'self'",
  "style-src 'self' 'unsafe-inline'",
  "object-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
}

async function sendFile(root: string, path: string, response: ServerResponse): Promise<void> {
  const file = join(root, normalize(path === '/' ? '/index.html' : path))
  try {
    const body = await readFile(file)
    const type = TYPES[extname(file)] ?? 'application/octet-stream'
    response.writeHead(200, { 'content-type': type, 'content-security-policy': POLICY }).end(body)
  } catch {
    response.writeHead(404).end()
  }
}

/** Serves a built renderer on loopback, with a fake main process behind its two channels. Any token is taken. */
export async function serveFakeApp(root: string, app: FakeApp): Promise<{ address: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    void sendFile(root, new URL(request.url ?? '/', 'http://fake').pathname, response)
  })
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'pilothouse' })
  sockets.on('connection', (socket, request) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://fake')
    const channel = webSocketChannel(socket, 'The fake has gone.')
    if (pathname === '/console') app.acceptConsole(channel, searchParams.toString())
    else app.acceptRpc(channel)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    address: `http://127.0.0.1:${port}/`,
    close: async () => {
      for (const client of sockets.clients) client.terminate()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}
