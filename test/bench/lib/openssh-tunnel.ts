import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { connect } from 'node:net'
import { join } from 'node:path'
import { until } from '../../../scripts/lib/until.ts'
import type { TestHost } from '../../support/private-host.ts'

const START_DEADLINE_MS = 15_000

/** OpenSSH's own `ssh -L localSocket:daemonSocket`, kept open. */
export interface OpenSshTunnel {
  readonly localSocket: string
  /** As OpenSSH says it was negotiated. */
  readonly cipher: string
  close(): Promise<void>
}

function argvOf(host: TestHost, localSocket: string, cipher: string): string[] {
  const target = host.targets.admin
  const options = {
    BatchMode: 'yes',
    Ciphers: cipher,
    IdentitiesOnly: 'yes',
    UserKnownHostsFile: join(host.host.layout.client, 'known_hosts'),
    GlobalKnownHostsFile: '/dev/null',
    StrictHostKeyChecking: 'yes',
    ExitOnForwardFailure: 'yes',
    StreamLocalBindUnlink: 'yes',
    Compression: 'no',
  }
  const flags = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
  const forward = ['-L', `${localSocket}:${target.socketDirectory}/admin.sock`]
  const login = ['-p', String(target.port), '-i', target.identityFile, `${target.user}@${target.address}`]
  // A session beside the forward (`cat` on an open stdin): with it both ends switch Nagle's algorithm off, as ours do.
  return ['-F', '/dev/null', '-v', ...flags, ...forward, ...login, 'cat']
}

/** Opens the tunnel as `ssh` does by itself, with the cipher that our own connection negotiates. */
export async function openOpenSshTunnel(host: TestHost, folder: string, cipher: string): Promise<OpenSshTunnel> {
  const localSocket = join(folder, 'tunnel.sock')
  const child = spawn('ssh', argvOf(host, localSocket, cipher), { stdio: ['pipe', 'ignore', 'pipe'] })
  const ended = once(child, 'exit')
  let says = ''
  child.stderr.setEncoding('utf8').on('data', (text: string) => (says = (says + text).slice(-16_384)))
  const isOpen = async () => {
    if (child.exitCode !== null) throw new Error(`ssh ended: ${says.slice(-2000)}`)
    return (await canConnect(localSocket)) && /kex: server->client cipher: (\S+)/.exec(says)?.[1]
  }
  const close = async () => {
    child.kill('SIGTERM')
    await ended
  }
  try {
    const negotiated = await until(isOpen, { deadlineMs: START_DEADLINE_MS, what: 'ssh -L to listen' })
    return { localSocket, cipher: negotiated, close }
  } catch (error) {
    await close()
    throw error
  }
}

function canConnect(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => {
      resolve(false)
    })
  })
}
