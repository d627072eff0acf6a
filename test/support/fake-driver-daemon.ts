import { copyFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createRouterClient, ORPCError, type Router } from '@orpc/server'
import { pino } from 'pino'
import { DEFAULT_RECOVERY, type DaemonOptions } from '../../host-daemon/daemon-options.ts'
import { createDaemon } from '../../host-daemon/daemon.ts'
import { createCallGuard, type ServedCaller } from '../../host-daemon/server/call-guard.ts'
import type { Caller } from '../../host-daemon/server/caller.ts'
import { openDatabase } from '../../host-daemon/store/database.ts'
import { createStore } from '../../host-daemon/store/store.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import { SystemRandom } from '../../host-daemon/system/random.ts'
import type { daemonContract } from '../../src-shared/contract/daemon.ts'
import { isErrorCode, type ErrorCode, type ErrorData } from '../../src-shared/error.ts'
import type { Clock } from '../../src-shared/lib/clock.ts'
import type { CommandId, OwnerName, RequestId } from '../../src-shared/model/ids.ts'
import type { Role } from '../../src-shared/model/role.ts'
import { FakeMachine } from './fake-machine.ts'
import { FakeRepositories } from './fake-point-repository.ts'
import { FakeVmDriver } from './fake-vm-driver.ts'
import { MemoryLogger } from './memory-logger.ts'

export interface FakeDriverDaemonOptions {
  readonly options?: Partial<DaemonOptions>
  readonly clock?: Clock
  /** The database and journals; a folder of its own, removed at the end, unless given. */
  readonly folder?: string
  readonly machine?: FakeMachine
  /** Give the same ones to the next daemon and it finds its points again. */
  readonly repositories?: FakeRepositories
  /** Guests that print nothing: no console journals are written. */
  readonly isMute?: boolean
  /** Prepares the driver before the daemon starts. */
  readonly arrange?: (driver: FakeVmDriver, folder: string) => unknown
}

/** Nothing is backed up, checked or pruned unless a test says so. */
export const UNSCHEDULED: DaemonOptions['recovery'] = {
  ...DEFAULT_RECOVERY,
  policy: { ...DEFAULT_RECOVERY.policy, intervalMinutes: null },
  checkIntervalMs: null,
  pruneIntervalMs: null,
}

/** Quick where the real daemon is patient. */
const QUICK: Partial<DaemonOptions> = {
  observeIntervalMs: 20,
  staleAfterMs: 200,
  heartbeatMs: 100,
  undoDeadlineMs: 2_000,
  letGoMs: 200,
  recovery: UNSCHEDULED,
  owners: [{ name: 'local' as OwnerName, limit: 'unlimited', note: 'this host itself' }],
}

const random = new SystemRandom()
const silent = pino({ level: 'silent' })

export const newCommandId = (): CommandId => `cmd-${random.hex(16)}` as CommandId
export const newRequestId = (): RequestId => `req-${random.hex(8)}` as RequestId

/** Somebody who calls in `role`. */
export function callerOf(role: Role, user = 'op'): Caller {
  const uid = 1000 + Buffer.from(user).reduce((sum, byte) => sum + byte, 0)
  return { actor: { user, uid, role, claimedActor: null }, requestId: newRequestId() }
}

export type FakeDriverDaemon = Awaited<ReturnType<typeof startFakeDriverDaemon>>

/** A whole daemon on a real SQLite file, with pretended guests. `restart` is a new daemon on the same truth. */
export async function startFakeDriverDaemon(given: FakeDriverDaemonOptions = {}) {
  const folder = given.folder ?? (await mkdtemp(join(tmpdir(), 'pilothouse-daemon-')))
  const machine = given.machine ?? new FakeMachine()
  const repositories = given.repositories ?? new FakeRepositories(given.clock)
  const driver = new FakeVmDriver({
    machine,
    ...(given.isMute === true ? {} : { journalFolder: join(folder, 'consoles') }),
  })
  given.arrange?.(driver, folder)
  const logger = new MemoryLogger()
  const databasePath = join(folder, 'pilothoused.db')
  const daemon = createDaemon({
    databasePath,
    options: { hostName: 'test-host', version: '0.0.0-test', guestUidBase: 100_000, ...QUICK, ...given.options },
    drivers: [driver],
    repositories,
    folders: foldersIn(folder),
    images: { list: () => Promise.resolve([]), isUsable: (ref) => Promise.resolve(ref !== 'absent@1') },
    clock: given.clock ?? new SystemClock(),
    random,
    logger,
  })
  await daemon.start()
  // As the edge serves it: roles and errors are its guard's.
  const guarded: Router<typeof daemonContract, ServedCaller> = daemon.router
  return {
    daemon,
    driver,
    machine,
    repositories,
    logger,
    folder,
    /** The contract's calls, made by somebody in that role. */
    as: (role: Role, user?: string) =>
      createRouterClient(guarded, {
        context: () => ({ ...callerOf(role, user), logger: silent }),
        interceptors: [createCallGuard(new SystemClock())],
      }),
    /** The append-only record, oldest first. */
    activity: () => {
      const db = openDatabase(databasePath, { clock: new SystemClock() })
      try {
        return createStore(db).activity.list()
      } finally {
        db.dispose()
      }
    },
    stop: () => daemon.stop(),
    /** Ends this daemon as it is and starts the next one on the same database and guests. */
    restart: async (next: Partial<FakeDriverDaemonOptions> = {}) => {
      await daemon.stop()
      return startFakeDriverDaemon({ ...given, folder, machine, repositories, ...next })
    },
    /**
     * What a `kill -9` leaves: the database as it is at this moment, and the guests. The present daemon is let go
     * of; a new one is started on that.
     */
    crash: async (next: Partial<FakeDriverDaemonOptions> = {}) => {
      const left = await mkdtemp(join(tmpdir(), 'pilothouse-daemon-'))
      for (const name of ['pilothoused.db', 'pilothoused.db-wal']) copyFileSync(join(folder, name), join(left, name))
      await daemon.stop()
      await rm(folder, { recursive: true, force: true })
      return startFakeDriverDaemon({ ...given, folder: left, machine, repositories, ...next })
    },
    remove: async () => {
      await daemon.stop().catch(() => undefined)
      // A listing that was cut off may still be letting go of its file.
      await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 20 })
    },
  }
}

/** The daemon's own folders for working with recovery points. */
export function foldersIn(folder: string) {
  const named = (name: string) => join(folder, name)
  return { rooms: named('rooms'), scratch: named('scratch'), listings: named('listings'), restored: named('restored') }
}

let lastName = 0

/** A spawn that nothing is wrong with. */
export function spawnInput(name = `web-${(lastName += 1)}`, owner = 'local') {
  return {
    commandId: newCommandId(),
    name,
    owner,
    image: 'minimal@1',
  }
}

export interface CaughtError extends ErrorData {
  readonly code: ErrorCode
  readonly message: string
}

/** What a call was refused with; fails when it was not refused, or not in the closed set. */
export async function refusalOf(call: Promise<unknown>): Promise<CaughtError> {
  const error: unknown = await call.then(
    () => new Error('The call was answered'),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof ORPCError) || !isErrorCode(error.code)) throw error
  return { code: error.code, message: error.message, ...(error.data as ErrorData) }
}
