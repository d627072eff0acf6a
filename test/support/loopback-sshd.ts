import { execFile, spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { chmod, copyFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { tmpdir, userInfo } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { SshEnvironment } from '../../src-main/ssh/environment.ts'
import type { HostTarget } from '../../src-shared/model/host.ts'
import { END_WITH_US } from './end-with-us.ts'
import { makeKey } from './ssh-keys.ts'
import { waitFor } from './wait-for.ts'

const run = promisify(execFile)

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** The process ids of a process's children. */
async function childrenOf(pid: number): Promise<number[]> {
  const entries = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const found = await Promise.all(
    entries.map(async (name) => {
      const stat = await readFile(`/proc/${name}/stat`, 'utf8').catch(() => '')
      return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]) === pid ? [Number(name)] : []
    }),
  )
  return found.flat()
}

/** An sshd of the test's own on loopback, with its own keys, and a console's home beside it. */
export class LoopbackSshd {
  readonly folder: string
  readonly port: number
  private server: ChildProcess | undefined

  private constructor(folder: string, port: number) {
    this.folder = folder
    this.port = port
  }

  static async start(settings: Record<string, string> = {}): Promise<LoopbackSshd> {
    const folder = await mkdtemp(join(tmpdir(), 'pilothouse-sshd-'))
    const sshd = new LoopbackSshd(folder, await freePort())
    await chmod(folder, 0o755)
    await mkdir(join(folder, 'home', '.ssh'), { recursive: true })
    await mkdir(join(folder, 'sockets'))
    await makeKey(join(folder, 'host_key'))
    await makeKey(join(folder, 'id'))
    await copyFile(join(folder, 'id.pub'), join(folder, 'authorized_keys'))
    await sshd.launch(settings)
    return sshd
  }

  /** Where the test's daemon puts its sockets. */
  get sockets(): string {
    return join(this.folder, 'sockets')
  }

  /** The console's side: a home of its own, nothing of whoever runs the test. */
  environment(more: Partial<SshEnvironment> = {}): SshEnvironment {
    const home = join(this.folder, 'home')
    return {
      home,
      user: userInfo().username,
      agentSocket: null,
      configFiles: [join(home, '.ssh', 'config')],
      globalKnownHostsFiles: [],
      variables: {},
      ...more,
    }
  }

  target(more: Partial<HostTarget> = {}): HostTarget {
    return {
      address: '127.0.0.1',
      port: this.port,
      identityFile: join(this.folder, 'id'),
      socketDirectory: this.sockets,
      ...more,
    }
  }

  async publicHostKey(): Promise<{ type: string; encoded: string }> {
    const [type = '', encoded = ''] = (await readFile(join(this.folder, 'host_key.pub'), 'utf8')).split(' ')
    return { type, encoded }
  }

  async fingerprint(): Promise<string> {
    const { stdout } = await run('ssh-keygen', ['-l', '-E', 'sha256', '-f', join(this.folder, 'host_key.pub')])
    return stdout.split(' ')[1] ?? ''
  }

  /** Makes the host known to the console's home, as a person would have done with ssh. */
  async trust(): Promise<void> {
    const { type, encoded } = await this.publicHostKey()
    await writeFile(join(this.folder, 'home', '.ssh', 'known_hosts'), `[127.0.0.1]:${this.port} ${type} ${encoded}\n`)
  }

  async launch(settings: Record<string, string> = {}): Promise<void> {
    const defaults = {
      Port: String(this.port),
      ListenAddress: '127.0.0.1',
      HostKey: join(this.folder, 'host_key'),
      PidFile: 'none',
      UsePAM: 'no',
      StrictModes: 'no',
      PasswordAuthentication: 'no',
      KbdInteractiveAuthentication: 'no',
      PermitRootLogin: 'prohibit-password',
      AuthorizedKeysFile: join(this.folder, 'authorized_keys'),
      AllowStreamLocalForwarding: 'yes',
      MaxStartups: '100',
      Subsystem: 'sftp internal-sftp',
    }
    const lines = Object.entries({ ...defaults, ...settings }).map(([name, value]) => `${name} ${value}`)
    await writeFile(join(this.folder, 'sshd_config'), `${lines.join('\n')}\n`)
    if (process.getuid?.() === 0) await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
    const argv = [...END_WITH_US, '/usr/sbin/sshd', '-D', '-e', '-f', join(this.folder, 'sshd_config')]
    const server = spawn('setpriv', argv, { stdio: ['ignore', 'ignore', 'pipe'] })
    let says = ''
    server.stderr.setEncoding('utf8').on('data', (text: string) => (says = `${says}${text}`.slice(-4000)))
    this.server = server
    await waitFor('sshd to listen', () => {
      if (server.exitCode !== null) throw new Error(`sshd ended: ${says}`)
      return says.includes('Server listening')
    })
  }

  /** The processes that serve the connections now. */
  async connections(): Promise<number[]> {
    return this.server?.pid === undefined ? [] : childrenOf(this.server.pid)
  }

  /** Breaks every connection off, as a cut cable would; new ones are taken at once. */
  async cut(): Promise<number> {
    const pids = await this.connections()
    for (const pid of pids) {
      for (const child of [...(await childrenOf(pid)), pid]) kill(child, 'SIGKILL')
    }
    return pids.length
  }

  /** Every connection stands, and nobody answers on it. */
  async freeze(): Promise<number[]> {
    const pids = await this.connections()
    const all = [...pids, ...(await Promise.all(pids.map((pid) => childrenOf(pid)))).flat()]
    for (const pid of all) kill(pid, 'SIGSTOP')
    return all
  }

  /** As if the machine had vanished: no connection, and none to be had until `launch`. */
  async goDark(): Promise<void> {
    const pids = await this.connections()
    const all = [...(await Promise.all(pids.map((pid) => childrenOf(pid)))).flat(), ...pids]
    await this.stopListening()
    for (const pid of all) kill(pid, 'SIGKILL')
  }

  async stopListening(): Promise<void> {
    const { server } = this
    if (server === undefined || server.exitCode !== null) return
    const ended = once(server, 'exit')
    server.kill('SIGTERM')
    await ended
  }

  async dispose(): Promise<void> {
    await this.cut()
    await this.stopListening()
    await rm(this.folder, { recursive: true, force: true })
  }
}

function kill(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch {
    // Already gone.
  }
}
