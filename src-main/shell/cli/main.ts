import { homedir } from 'node:os'
import { localClaimedActor } from '../../lib/claimed-actor.ts'
import { systemClock, systemRandom } from '../../lib/clock.ts'
import { systemSshEnvironment } from '../../ssh/environment.ts'
import { openStore, type ConsoleStore } from '../../store/store.ts'
import { dataDirectory } from '../data-directory.ts'
import { headPinsOf } from './head-pins.ts'
import { hostRosterOf } from './host-roster.ts'
import type { CliDeps } from './ports.ts'
import { runCli } from './run.ts'
import { sessionOpener } from './sessions.ts'
import { VERSION } from '../version.ts'

/** Composition root of the command line. */

const OLDEST_NODE = 22
/** Longer than anything runs: waiting for a host to come back must not look like having nothing to do. */
const KEEP_ALIVE_MS = 2 ** 30

/** Opened at first use: a command for a socket needs no list of hosts. */
function lazyStore(): { open(): ConsoleStore; close(): void } {
  let store: ConsoleStore | undefined
  return {
    open: () => (store ??= openStore(dataDirectory(process.env, homedir()))),
    close: () => store?.dispose(),
  }
}

async function main(): Promise<number> {
  const interruption = new AbortController()
  const interrupt = (): void => interruption.abort()
  process.once('SIGINT', interrupt).once('SIGTERM', interrupt)
  // A reader that has gone (`pilothouse events | head -1`) ends the command like an interruption.
  process.stdout.on('error', interrupt)
  const store = lazyStore()
  const environment = systemSshEnvironment()
  const shared = { environment, clock: systemClock, random: systemRandom, claimedActor: localClaimedActor() }
  const deps: CliDeps = {
    ...shared,
    io: process,
    env: process.env,
    version: VERSION,
    signal: interruption.signal,
    openSession: sessionOpener({ ...shared, hosts: () => store.open().hosts }),
    openHostRoster: () => hostRosterOf({ ...shared, store: store.open().hosts }),
    openHeadPins: () => headPinsOf(store.open(), systemClock),
  }
  const keptAlive = setInterval(() => undefined, KEEP_ALIVE_MS)
  try {
    return await runCli(process.argv.slice(2), deps)
  } finally {
    clearInterval(keptAlive)
    store.close()
  }
}

if (Number(process.versions.node.split('.')[0]) < OLDEST_NODE) {
  process.stderr.write(`pilothouse needs Node ${OLDEST_NODE} or later; this is ${process.versions.node}.\n`)
  process.exitCode = 1
} else process.exitCode = await main()
