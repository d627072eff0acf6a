import { chmod, chown, mkdir, rm, writeFile } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { z } from 'zod'
import { isAlive, signalProcess, waitUntilGone, type ProcessIdentity } from '../../host-daemon/system/processes.ts'
import { readJsonRecord } from '../lib/json-record.ts'
import { writeAccounts } from './accounts.ts'
import { buildImage, DAEMON_BUNDLE, startDaemon, writeDaemonConfig, type DaemonSettings } from './daemon.ts'
import { descendantsOf } from './descendants.ts'
import { clientKeyOf, hostLayout, VIEW_SOCKETS, type HostLayout, type Login } from './layout.ts'
import {
  freePort,
  hostKeyFingerprint,
  LOOPBACK,
  replaceHostKey,
  startSshServer,
  writeSshFiles,
  type FileOwner,
} from './ssh-server.ts'
import { processesInView } from './view.ts'

const STOP_DEADLINE_MS = 15_000

/** How a console reaches the host as one of its logins; fits the contract's `HostTarget`. */
export interface LoginTarget {
  readonly address: string
  readonly port: number
  readonly user: Login
  readonly identityFile: string
  readonly socketDirectory: string
}

export interface PrivateHostOptions {
  /** Everything of the host lives here. */
  readonly stateFolder: string
  /** Who runs the console, and so owns the client's keys. */
  readonly client?: FileOwner
  readonly settings?: DaemonSettings
  /** The daemon's entry; the bundle unless told otherwise. */
  readonly daemonEntry?: string
}

/**
 * This machine as a host: an sshd on loopback with its own keys, three logins that only it knows, and a daemon, all
 * in a view of the machine of their own. Needs root. Nothing outside the state folder is changed.
 */
export class PrivateHost {
  readonly layout: HostLayout
  readonly port: number
  private readonly daemonEntry: string
  private sshServer: ProcessIdentity
  private daemonProcess: ProcessIdentity | undefined

  private constructor(parts: { layout: HostLayout; port: number; daemonEntry: string; sshServer: ProcessIdentity }) {
    this.layout = parts.layout
    this.port = parts.port
    this.daemonEntry = parts.daemonEntry
    this.sshServer = parts.sshServer
  }

  /** Makes the host and starts its sshd; the daemon is started apart. What ran there before is ended first. */
  static async open(options: PrivateHostOptions): Promise<PrivateHost> {
    const { stateFolder, client = { uid: 0, gid: 0 }, settings = {}, daemonEntry = DAEMON_BUNDLE } = options
    if (process.getuid?.() !== 0)
      throw new Error('a private host needs root: its logins and guests have ids of their own')
    const layout = hostLayout(stateFolder)
    await endEverything(layout)
    const port = await choosePort(layout)
    await makeFolders(layout, client)
    await writeAccounts(layout)
    await writeSshFiles(layout, port, client)
    await writeDaemonConfig(layout, settings)
    const sshServer = await startSshServer(layout, port).catch(async (error: unknown) => {
      await endEverything(layout)
      throw error
    })
    return new PrivateHost({ layout, port, daemonEntry, sshServer })
  }

  get daemon(): ProcessIdentity | undefined {
    return this.daemonProcess
  }

  /** Whether the daemon was started, not ended by us, and is gone. */
  async hasLostDaemon(): Promise<boolean> {
    return this.daemonProcess !== undefined && !(await isAlive(this.daemonProcess))
  }

  targetOf(login: Login): LoginTarget {
    return {
      address: LOOPBACK,
      port: this.port,
      user: login,
      identityFile: clientKeyOf(this.layout, login),
      socketDirectory: VIEW_SOCKETS,
    }
  }

  fingerprint(): Promise<string> {
    return hostKeyFingerprint(this.layout)
  }

  buildImage(image: string): Promise<string> {
    return buildImage(this.layout, this.daemonEntry, image)
  }

  async startDaemon(): Promise<ProcessIdentity> {
    this.daemonProcess = await startDaemon(this.layout, this.daemonEntry)
    return this.daemonProcess
  }

  /** Ends the daemon with the signal and waits until it is gone; guests go on. */
  async endDaemon(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    if (this.daemonProcess === undefined) return
    await end(this.daemonProcess, signal)
    this.daemonProcess = undefined
  }

  /** Cuts every SSH connection there is, as a lost network would; sshd goes on and takes new ones. */
  async cutConnections(): Promise<void> {
    for (const connection of await descendantsOf(this.sshServer)) await signalProcess(connection, 'SIGKILL')
  }

  /** sshd with all its connections: gone until `startSshServer`. */
  async endSshServer(): Promise<void> {
    const connections = await descendantsOf(this.sshServer)
    await end(this.sshServer, 'SIGTERM')
    for (const connection of connections) await end(connection, 'SIGKILL')
  }

  /** Another host key from now on, as of a machine that was replaced, or of somebody in between. */
  async replaceHostKey(): Promise<void> {
    await this.endSshServer()
    await replaceHostKey(this.layout)
    await this.startSshServer()
  }

  async startSshServer(): Promise<void> {
    this.sshServer = await startSshServer(this.layout, this.port)
  }

  /** Ends whatever runs in the host, guests included, and waits until it is gone. Files stay. */
  async close(): Promise<void> {
    await this.endDaemon('SIGTERM')
    await endEverything(this.layout)
  }
}

async function end(target: ProcessIdentity, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  await signalProcess(target, signal)
  if (await waitUntilGone(target, { timeoutMs: STOP_DEADLINE_MS })) return
  await signalProcess(target, 'SIGKILL')
  await waitUntilGone(target, { timeoutMs: STOP_DEADLINE_MS })
}

/**
 * Ends every process of the host, the daemon's guests included, by what they see and not by name. Resolves when none
 * is left; throws when one cannot be ended.
 */
export async function endEverything(layout: HostLayout): Promise<void> {
  for (let round = 0; round < 3; round++) {
    const members = await processesInView(layout)
    if (members.length === 0) return
    await Promise.all(members.map((member) => end(member, 'SIGTERM')))
    await delay(20)
  }
  const left = await processesInView(layout)
  const living = (await Promise.all(left.map(isAlive))).filter(Boolean)
  if (living.length > 0) throw new Error(`${living.length} processes of the host could not be ended`)
}

/** Ends everything and removes the host's folder. */
export async function removeHost(stateFolder: string): Promise<void> {
  const layout = hostLayout(stateFolder)
  await endEverything(layout)
  await rm(layout.root, { recursive: true, force: true })
}

/** The port of the last time where it is still free: whoever remembers the host finds it again. */
async function choosePort(layout: HostLayout): Promise<number> {
  const before = (await readJsonRecord(layout.hostRecord, z.object({ port: z.int() })))?.port
  const port = (before === undefined ? undefined : await freePort(before)) ?? (await freePort(0))
  if (port === undefined) throw new Error('no port is free on loopback')
  await mkdir(layout.root, { recursive: true, mode: 0o711 })
  await writeFile(layout.hostRecord, JSON.stringify({ port }))
  return port
}

async function makeFolders(layout: HostLayout, client: FileOwner): Promise<void> {
  await mkdir(layout.root, { recursive: true, mode: 0o711 })
  await chmod(layout.root, 0o711)
  for (const folder of [layout.sshd, layout.homes]) await mkdir(folder, { recursive: true, mode: 0o755 })
  for (const folder of [layout.state, layout.sockets]) await mkdir(folder, { recursive: true, mode: 0o711 })
  await mkdir(layout.logs, { recursive: true, mode: 0o700 })
  await mkdir(layout.client, { recursive: true, mode: 0o700 })
  await chown(layout.client, client.uid, client.gid)
}
