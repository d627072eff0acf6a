import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ssh2, { type Connection } from 'ssh2'
import type { SshEnvironment } from '../../src-main/ssh/environment.ts'
import type { HostTarget } from '../../src-shared/model/host.ts'
import { makeKey } from './ssh-keys.ts'

/** An SSH server in this process that does one thing: forward streams to unix sockets, for one key. */
export interface TinySshServer {
  readonly port: number
  /** A key file that it lets in. */
  readonly identityFile: string
  /** An SSH client's surroundings with nothing of the user's in them. */
  readonly environment: SshEnvironment
  targetOf(socketDirectory: string): HostTarget
  close(): Promise<void>
}

function serveConnection(connection: Connection, allowed: Buffer): void {
  connection.on('error', () => undefined)
  connection.on('authentication', (attempt) => {
    if (attempt.method === 'publickey' && attempt.key.data.equals(allowed)) attempt.accept()
    else attempt.reject(['publickey'])
  })
  connection.on('session', (accept) => {
    accept().on('exec', (_accept, reject) => {
      reject()
    })
  })
  connection.on('openssh.streamlocal', (accept, reject, { socketPath }) => {
    const socket = connect({ path: socketPath })
    socket.once('error', () => {
      reject()
    })
    socket.once('connect', () => {
      const channel = accept()
      channel.on('error', () => undefined)
      channel.on('close', () => socket.destroy())
      socket.pipe(channel).pipe(socket)
    })
  })
}

export async function startTinySshServer(): Promise<TinySshServer> {
  const home = await mkdtemp(join(tmpdir(), 'pilothouse-ssh-'))
  const [hostKey, identityFile] = [join(home, 'host_key'), join(home, 'id')]
  await Promise.all([makeKey(hostKey), makeKey(identityFile)])
  const parsed = ssh2.utils.parseKey(await readFile(identityFile))
  if (parsed instanceof Error) throw parsed
  const allowed = parsed.getPublicSSH()
  const connections = new Set<Connection>()
  const server = new ssh2.Server({ hostKeys: [await readFile(hostKey)] }, (connection) => {
    connections.add(connection)
    serveConnection(connection, allowed)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    port,
    identityFile,
    environment: { home, user: 'tester', agentSocket: null, configFiles: [], globalKnownHostsFiles: [], variables: {} },
    targetOf: (socketDirectory) => ({ address: '127.0.0.1', port, user: 'tester', identityFile, socketDirectory }),
    close: async () => {
      for (const connection of connections) connection.end()
      await new Promise<void>((resolve) => server.close(() => resolve()))
      await rm(home, { recursive: true, force: true })
    },
  }
}
