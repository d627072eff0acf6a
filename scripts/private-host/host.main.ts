/**
 * The part of quickstart that needs root: `host.main.ts run STATE_FOLDER UID GID` makes this machine a host and keeps
 * it one until its stdin ends, however its parent ended; `host.main.ts clean STATE_FOLDER` removes it. Says what it
 * does as JSON lines on stdout (`HostMessage`).
 */
import '../lib/require-node.ts'
import { setInterval } from 'node:timers/promises'
import type { HostMessage } from './host-message.ts'
import { PrivateHost, removeHost } from './private-host.ts'

const WATCH_MS = 500
const IMAGE = 'minimal'

const SETTINGS = {
  hostName: 'quickstart',
  owners: [{ name: 'local', limit: 'unlimited', note: 'quickstart' }],
}

function say(message: HostMessage): void {
  process.stdout.write(`${JSON.stringify(message)}\n`)
}

/** Resolves when the parent has gone or asks for the end. The terminal's Ctrl-C is the parent's to act on. */
function parentEnded(): Promise<void> {
  for (const signal of ['SIGINT', 'SIGHUP', 'SIGPIPE'] as const) process.on(signal, () => undefined)
  process.stdout.on('error', () => undefined)
  return new Promise((resolve) => {
    process.once('SIGTERM', () => {
      resolve()
    })
    process.stdin.once('end', resolve).once('close', resolve).resume()
  })
}

/** Starts the daemon again whenever it has ended by itself, until aborted. Guests go on meanwhile. */
async function keepDaemonUp(host: PrivateHost, signal: AbortSignal): Promise<void> {
  for await (const current of setInterval(WATCH_MS, host, { signal })) {
    if (!(await current.hasLostDaemon())) continue
    say({ kind: 'step', text: 'The daemon has ended by itself; starting it again.' })
    await current.startDaemon()
  }
}

async function up(stateFolder: string, client: { uid: number; gid: number }): Promise<PrivateHost> {
  const host = await PrivateHost.open({ stateFolder, client, settings: SETTINGS })
  try {
    say({ kind: 'step', text: 'Building the guest image minimal@1, where it has changed.' })
    await Promise.all([host.buildImage(IMAGE), host.startDaemon()])
    say({ kind: 'ready', target: host.targetOf('admin'), fingerprint: await host.fingerprint() })
    return host
  } catch (error) {
    await host.close()
    throw error
  }
}

async function runHost(stateFolder: string, client: { uid: number; gid: number }): Promise<void> {
  const ended = parentEnded()
  const host = await up(stateFolder, client)
  const watch = new AbortController()
  try {
    const watching = keepDaemonUp(host, watch.signal)
    // Its end by the abort below is no failure; one before that ends the race.
    watching.catch(() => undefined)
    await Promise.race([ended, watching])
  } finally {
    watch.abort()
    await host.close()
  }
}

const [verb, stateFolder = '', uid, gid] = process.argv.slice(2)
try {
  if (verb === 'clean') await removeHost(stateFolder)
  else await runHost(stateFolder, { uid: Number(uid), gid: Number(gid) })
  say({ kind: 'closed' })
  process.exit(0)
} catch (error) {
  say({ kind: 'failed', message: error instanceof Error ? error.message : String(error) })
  process.exit(1)
}
