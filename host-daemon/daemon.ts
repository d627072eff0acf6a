import { PROTOCOL_VERSION, type DaemonInfo } from '../src-shared/model/daemon.ts'
import { createRouter, type DaemonRouter } from './api/router.ts'
import type { BootDirectory } from './consoles/boot-directory.ts'
import { assemble, type Assembly, type DaemonDeps } from './daemon-assembly.ts'
import { DEFAULT_DAEMON_OPTIONS, LEAST_KEEP_MS, type DaemonOptions } from './daemon-options.ts'
import { forgetOldOperations } from './operations/retention.ts'
import type { Caller } from './server/caller.ts'
import type { NewActivity } from './store/activity-table.ts'
import { openDatabase } from './store/database.ts'
import { ClockLeaps } from './system/clock-leaps.ts'
import { repeat } from './system/repeat.ts'

export type { DaemonDeps } from './daemon-assembly.ts'

export interface Daemon {
  /** To be served with a `Caller` as its context. */
  readonly router: DaemonRouter
  readonly bootDirectory: BootDirectory
  /** Adds a row to the append-only record, durable when it returns. */
  recordActivity(entry: Omit<NewActivity, 'at'>): void
  /**
   * Frees every guest from what a dead daemon left in it, looks at each once, goes on with interrupted operations, then
   * keeps watch. Call it before serving.
   */
  start(): Promise<void>
  /** Ends everything but the guests: they run on, and operations are taken up at the next start. */
  stop(): Promise<void>
}

const RETENTION_INTERVAL_MS = 60 * 60 * 1000

/** Opens the database and puts the daemon's truth together; nothing runs before `start`. */
export function createDaemon(deps: DaemonDeps): Daemon {
  const options: DaemonOptions = { ...DEFAULT_DAEMON_OPTIONS, ...deps.options }
  const { clock, logger } = deps
  const db = openDatabase(deps.databasePath, { clock, logger })
  const assembly = assemble({ ...deps, db, options })
  const { engine, adoption, reconciler, recovery, scheduler, expiry, upkeep, hub, owners, store } = assembly
  const ending = new AbortController()
  let background: Promise<unknown> = Promise.resolve()
  return {
    router: createRouter({ ...assembly.services, describe: describer({ deps, options, assembly }) }),
    bootDirectory: assembly.services.boots,
    recordActivity: (entry) => db.transaction(() => store.activity.append({ ...entry, at: clock.now() })),
    start: async () => {
      for (const owner of options.owners) owners.ensure({ ...owner, isActive: true })
      engine.abandonUnreadable()
      await adoption.start()
      await reconciler.start()
      engine.start()
      recovery.start()
      scheduler.start()
      expiry.start()
      const keepMs = Math.max(options.keepOperationsMs, LEAST_KEEP_MS)
      const loop = { clock, logger, signal: ending.signal }
      const every = { intervalMs: RETENTION_INTERVAL_MS, name: 'retention' }
      const leaps = new ClockLeaps(clock)
      const retention = repeat(() => forgetOldOperations({ store, leaps, keepMs }), { ...loop, ...every })
      const upkept = repeat(upkeep.work, { ...loop, intervalMs: upkeep.intervalMs, name: 'upkeep' })
      background = Promise.all([retention, upkept, assembly.services.drift.reportFound(ending.signal)])
    },
    stop: async () => {
      ending.abort(new Error('The daemon is ending.'))
      hub.dispose()
      await Promise.all([scheduler.stop(), expiry.stop()])
      await Promise.all([engine.stop(), adoption.stop(), reconciler.stop(), recovery.stop(), background])
      db.dispose()
    },
  }
}

interface Describing {
  readonly deps: DaemonDeps
  readonly options: DaemonOptions
  readonly assembly: Assembly
}

function describer({ deps, options, assembly }: Describing) {
  const startedAt = deps.clock.now()
  const { hostName, version, sizeLimit, capabilities, automaticRecovery } = options
  return async ({ actor }: Caller, signal: AbortSignal): Promise<DaemonInfo> => ({
    protocol: PROTOCOL_VERSION,
    version,
    hostName,
    epoch: assembly.hub.cursor.epoch,
    startedAt,
    now: deps.clock.now(),
    role: actor.role,
    user: actor.user,
    uid: actor.uid,
    capabilities: [...capabilities],
    drivers: await assembly.drivers.describe(signal),
    sizeLimit,
    isRecoveringAutomatically: automaticRecovery,
  })
}
