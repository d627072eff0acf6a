import { chmod, chown, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { existsSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { isAlive, type ProcessIdentity } from '../../host-daemon/system/processes.ts'
import { run, runAny } from '../lib/run.ts'
import { until } from '../lib/until.ts'
import { clientKeyOf, LOGINS, type HostLayout } from './layout.ts'
import { startInView } from './view.ts'

export const LOOPBACK = '127.0.0.1'
const SSHD = '/usr/sbin/sshd'
const START_DEADLINE_MS = 10_000

export interface FileOwner {
  readonly uid: number
  readonly gid: number
}

async function ensureKey(path: string, comment: string): Promise<void> {
  if (!existsSync(path)) await run(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', path])
}

function configText(layout: HostLayout, port: number): string {
  const sshd = layout.inView(layout.sshd)
  return [
    `Port ${port}`,
    `ListenAddress ${LOOPBACK}`,
    `HostKey ${sshd}/host_ed25519`,
    'PidFile none',
    'UsePAM no',
    `AllowUsers ${LOGINS.join(' ')}`,
    'AuthenticationMethods publickey',
    `AuthorizedKeysFile ${sshd}/authorized/%u`,
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'AllowStreamLocalForwarding local',
    // OpenSSH asks the permissions of TCP forwards before it forwards to a unix socket: `no` refuses that too.
    'AllowTcpForwarding local',
    'AllowAgentForwarding no',
    'X11Forwarding no',
    'PermitTunnel no',
    'PermitTTY no',
    'PermitUserRC no',
    'Subsystem sftp internal-sftp',
    'MaxStartups 100',
    'MaxSessions 100',
    'LogLevel VERBOSE',
    '',
  ].join('\n')
}

/** Keys of host and clients, and what sshd reads. Keys that exist are kept, so that pins stay good. */
export async function writeSshFiles(layout: HostLayout, port: number, client: FileOwner): Promise<void> {
  const authorized = join(layout.sshd, 'authorized')
  await mkdir(authorized, { recursive: true, mode: 0o755 })
  await ensureKey(join(layout.sshd, 'host_ed25519'), 'pilothouse host')
  for (const login of LOGINS) {
    const key = clientKeyOf(layout, login)
    await ensureKey(key, `pilothouse ${login}`)
    await chown(key, client.uid, client.gid)
    await chown(`${key}.pub`, client.uid, client.gid)
    await writeFile(join(authorized, login), await readFile(`${key}.pub`), { mode: 0o644 })
    await chmod(join(authorized, login), 0o644)
  }
  await writeFile(join(layout.sshd, 'sshd_config'), configText(layout, port), { mode: 0o644 })
  await writeKnownHosts(layout, port, client)
}

async function writeKnownHosts(layout: HostLayout, port: number, client: FileOwner): Promise<void> {
  const [type = '', key = ''] = (await readFile(join(layout.sshd, 'host_ed25519.pub'), 'utf8')).split(' ')
  const path = join(layout.client, 'known_hosts')
  await writeFile(path, `[${LOOPBACK}]:${port} ${type} ${key}\n`, { mode: 0o644 })
  await chown(path, client.uid, client.gid)
}

/** `SHA256:…` of the host's key, as OpenSSH prints it. */
export async function hostKeyFingerprint(layout: HostLayout): Promise<string> {
  const line = await run(['ssh-keygen', '-l', '-E', 'sha256', '-f', join(layout.sshd, 'host_ed25519.pub')])
  return line.split(' ')[1] ?? ''
}

/** Replaces the host's key by another one: what a client must refuse. Takes effect when sshd starts again. */
export async function replaceHostKey(layout: HostLayout): Promise<void> {
  const path = join(layout.sshd, 'host_ed25519')
  await rm(path)
  await rm(`${path}.pub`)
  await ensureKey(path, 'pilothouse host')
}

/** Whether a server can listen on the loopback port now; 0 asks for any. Answers the port, or undefined. */
export async function freePort(wanted: number): Promise<number | undefined> {
  const server = createServer()
  try {
    return await new Promise<number | undefined>((resolve) => {
      server.once('error', () => {
        resolve(undefined)
      })
      server.listen({ host: LOOPBACK, port: wanted }, () => {
        const address = server.address()
        resolve(typeof address === 'object' ? address?.port : undefined)
      })
    })
  } finally {
    server.close()
  }
}

/** Whether an SSH server greets on the port. */
function isGreeting(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: LOOPBACK, port, timeout: 1000 })
    const settle = (answer: boolean) => () => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('data', (bytes) => {
      settle(bytes.toString('latin1').startsWith('SSH-2.0'))()
    })
    socket.once('error', settle(false)).once('timeout', settle(false)).once('close', settle(false))
  })
}

/** OpenSSH from 9.8 on makes an address wait that has failed to log in; on loopback that is everybody. */
async function penaltyOptions(layout: HostLayout): Promise<string[]> {
  const option = ['-o', 'PerSourcePenalties=no']
  const config = join(layout.sshd, 'sshd_config')
  const { output } = await runAny([SSHD, '-T', '-f', config, ...option])
  return /Bad configuration option: PerSourcePenalties/i.test(output) ? [] : option
}

/** Starts sshd in the view and waits until it greets. Throws with its log's place when it does not. */
export async function startSshServer(layout: HostLayout, port: number): Promise<ProcessIdentity> {
  const logFile = join(layout.logs, 'sshd.log')
  const config = join(layout.inView(layout.sshd), 'sshd_config')
  const argv = [SSHD, '-D', '-e', '-f', config, ...(await penaltyOptions(layout))]
  const identity = await startInView(layout, argv, { logFile })
  const isUp = async (): Promise<boolean> => {
    if (!(await isAlive(identity))) throw new Error(`sshd ended at its start; see ${logFile}`)
    return isGreeting(port)
  }
  await until(isUp, { deadlineMs: START_DEADLINE_MS, what: `sshd to answer (see ${logFile})` })
  return identity
}
