import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { identifyProcess } from '../../host-daemon/system/processes.ts'
import { fromRoot } from '../../scripts/lib/paths.ts'
import type { DaemonSettings } from '../../scripts/private-host/daemon.ts'
import type { Login } from '../../scripts/private-host/layout.ts'
import { TEST_HOST_OWNER_FILE, TEST_HOST_PREFIX } from '../../scripts/private-host/leftovers.ts'
import { PrivateHost, removeHost, type LoginTarget } from '../../scripts/private-host/private-host.ts'
import type { FileOwner } from '../../scripts/private-host/ssh-server.ts'
import { useCachedImage } from './image-cache.ts'

export interface TestHostOptions {
  readonly settings?: DaemonSettings
  /** The guest image that the host is to have; none by default. */
  readonly image?: 'minimal' | 'debian'
  /** The daemon's entry; its sources unless told otherwise. */
  readonly daemonEntry?: string
  /** Who may read the logins' keys; root unless told otherwise. */
  readonly client?: FileOwner
}

/** A host of the test's own: sshd, three logins and a daemon, none of which anyone else has. */
export interface TestHost {
  readonly host: PrivateHost
  readonly targets: Readonly<Record<Login, LoginTarget>>
  /** `SHA256:…`, what a console has to accept. */
  readonly fingerprint: string
  /** The role sockets as the test process reaches them, without SSH. */
  readonly socketDirectory: string
  /** `kill -9`; guests go on. */
  killDaemon(): Promise<void>
  /** Ends the daemon in order, where it runs, and starts it again. */
  restartDaemon(): Promise<void>
  /** Cuts every SSH connection; new ones are taken at once. */
  cutSsh(): Promise<void>
  /** Ends everything, guests included, and removes every file. */
  dispose(): Promise<void>
}

const TEST_SETTINGS: DaemonSettings = {
  hostName: 'test-host',
  logLevel: 'debug',
  consoleSpaceMiB: 256,
  owners: [
    { name: 'local', limit: 'unlimited' },
    { name: 'limited', limit: 5 },
  ],
}

async function newStateFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), TEST_HOST_PREFIX))
  await chmod(folder, 0o711)
  await writeFile(join(folder, TEST_HOST_OWNER_FILE), JSON.stringify(await identifyProcess(process.pid)))
  return folder
}

async function removeTestHost(stateFolder: string): Promise<void> {
  await removeHost(stateFolder)
  await rm(stateFolder, { recursive: true, force: true })
}

/** Starts a private host in a temporary folder. Whoever starts one disposes it, also when the test fails. */
export async function startTestHost(options: TestHostOptions = {}): Promise<TestHost> {
  const { settings = {}, image, daemonEntry = fromRoot('host-daemon', 'index.ts'), client } = options
  const stateFolder = await newStateFolder()
  try {
    const host = await PrivateHost.open({
      stateFolder,
      settings: { ...TEST_SETTINGS, ...settings },
      daemonEntry,
      ...(client === undefined ? {} : { client }),
    })
    if (image !== undefined) await useCachedImage(host, image)
    await host.startDaemon()
    return await testHostOf(host, stateFolder)
  } catch (error) {
    await removeTestHost(stateFolder)
    throw error
  }
}

async function testHostOf(host: PrivateHost, stateFolder: string): Promise<TestHost> {
  return {
    host,
    targets: { viewer: host.targetOf('viewer'), operator: host.targetOf('operator'), admin: host.targetOf('admin') },
    fingerprint: await host.fingerprint(),
    socketDirectory: host.layout.sockets,
    killDaemon: () => host.endDaemon('SIGKILL'),
    restartDaemon: async () => {
      await host.endDaemon('SIGTERM')
      await host.startDaemon()
    },
    cutSsh: () => host.cutConnections(),
    dispose: () => removeTestHost(stateFolder),
  }
}
