import { connect } from 'node:net'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { isAlive, type ProcessIdentity } from '../../host-daemon/system/processes.ts'
import { fromRoot, installedProgram } from '../lib/paths.ts'
import { until } from '../lib/until.ts'
import { idOf } from './accounts.ts'
import { VIEW_SOCKETS, type HostLayout } from './layout.ts'
import { runInView, startInView } from './view.ts'

const START_DEADLINE_MS = 20_000
const IMAGE_DEADLINE_MS = 600_000

/** Settings of the daemon beside those that the private host decides. */
export type DaemonSettings = Readonly<Record<string, unknown>>

/** The bundle that users run; what `npm run build` makes. */
export const DAEMON_BUNDLE = fromRoot('out', 'daemon', 'pilothoused.js')

function daemonArgv(entry: string, ...args: string[]): string[] {
  return [installedProgram('node'), entry, ...args]
}

/** Writes the daemon's configuration: its three groups, its folders inside the view, then `settings`. */
export async function writeDaemonConfig(layout: HostLayout, settings: DaemonSettings): Promise<void> {
  const config = {
    stateDirectory: layout.inView(layout.state),
    socketDirectory: VIEW_SOCKETS,
    roleGroups: { viewer: idOf('viewer'), operator: idOf('operator'), admin: idOf('admin') },
    ...settings,
  }
  await writeFile(layout.daemonConfig, JSON.stringify(config, null, 2), { mode: 0o600 })
}

/** Whether the daemon takes connections on its highest socket. Asked through the process, whose path is short. */
function isServing(daemon: ProcessIdentity, socketDirectory: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ path: `/proc/${daemon.pid}/root${socketDirectory}/admin.sock` })
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => {
      resolve(false)
    })
  })
}

async function newLogLines(logFile: string, from: number): Promise<string> {
  const text = await readFile(logFile, 'utf8').catch(() => '')
  return text.slice(from).slice(-2000)
}

/** Starts the daemon as root in the view and waits until it serves. Throws with its last words when it ends first. */
export async function startDaemon(layout: HostLayout, entry: string): Promise<ProcessIdentity> {
  const logFile = join(layout.logs, 'daemon.log')
  const from = (await readFile(logFile, 'utf8').catch(() => '')).length
  const argv = daemonArgv(entry, 'run', '--config', layout.inView(layout.daemonConfig))
  const daemon = await startInView(layout, argv, { logFile })
  const isUp = async (): Promise<boolean> => {
    if (!(await isAlive(daemon))) throw new Error(`the daemon ended at its start:\n${await newLogLines(logFile, from)}`)
    return isServing(daemon, VIEW_SOCKETS)
  }
  await until(isUp, { deadlineMs: START_DEADLINE_MS, what: `the daemon to serve (see ${logFile})` })
  return daemon
}

/** Builds a guest image on the host, or finds it unchanged. Throws `CommandFailed` with what the daemon said. */
export async function buildImage(layout: HostLayout, entry: string, image: string): Promise<string> {
  const config = layout.inView(layout.daemonConfig)
  return runInView(layout, daemonArgv(entry, 'image', 'build', image, '--config', config), IMAGE_DEADLINE_MS)
}
