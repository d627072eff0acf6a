import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

/** A unix socket that answers lines, as an engine or an agent does. */
export interface LineServer {
  readonly path: string
  /** Everything received, as latin1. */
  received(): string
  connections(): number
  close(): Promise<void>
}

export interface LineServerScript {
  readonly onConnect?: (socket: Socket) => void
  readonly onLine?: (line: string, socket: Socket) => void
}

export async function startLineServer(script: LineServerScript): Promise<LineServer> {
  const folder = await mkdtemp(join(tmpdir(), 'pilothouse-lines-'))
  const path = join(folder, 'socket')
  const sockets = new Set<Socket>()
  let received = ''
  let connections = 0
  const server = createServer((socket) => {
    connections += 1
    sockets.add(socket)
    let partial = ''
    socket.setEncoding('latin1')
    socket.on('error', () => undefined)
    socket.on('data', (text: string) => {
      received += text
      const lines = (partial + text).split('\n')
      partial = lines.pop() ?? ''
      for (const line of lines) script.onLine?.(line, socket)
    })
    script.onConnect?.(socket)
  })
  await listen(server, path)
  return {
    path,
    received: () => received,
    connections: () => connections,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
}
