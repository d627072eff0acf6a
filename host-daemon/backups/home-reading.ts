import { join } from 'node:path'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Disposable } from '../../src-shared/lib/disposable.ts'
import type { BootId } from '../../src-shared/model/ids.ts'
import type { BootRecord, HomeView, HomeViewOptions, VmDriver } from '../drivers/vm-driver.ts'
import { insistOnHome, lookAtHome } from '../environments/home-look.ts'
import type { StepContext } from '../operations/step.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import { canReadNow } from '../system/can-read.ts'
import { TimeLimit } from '../system/time-limit.ts'
import { withDeadline } from '../system/deadline.ts'
import type { MadePoint } from './point-repository.ts'
import { tagsOf } from './point-tags.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'
import { useRepository } from './repository-work.ts'

/** A point of a view of a home. */
export interface ReadHome {
  readonly made: MadePoint
  readonly view: Pick<HomeView, 'consistency' | 'frozenMs'>
}

const DROP_MS = 20_000
/** A plan's count lets go of the home within seconds once a backup is accepted. */
const TURN_MS = 60_000
/** Whoever waits in vain leaves at once; a turn that came in the same moment is not lost. */
const LEAVE_MS = 1_000
const MIB = 1024 * 1024

/**
 * Makes a point of the home as it is now, and leaves no view, no mount and no lock, whatever comes of it. Waits for up to
 * a minute until nobody else reads the home. Throws `home_gone` on positive evidence, and `guest_gone` where the guest
 * ended while its home was being read.
 */
export async function readHome(
  recovery: RecoveryToolkit,
  environment: StoredEnvironment,
  context: StepContext,
): Promise<ReadHome> {
  await insistOnPresence(recovery, environment)
  const turn = await takeTurn(recovery, environment, context.signal)
  try {
    return await readInTurn(recovery, environment, context)
  } finally {
    turn.dispose()
  }
}

/** One view of a home is possible at a time, and a plan that counts may still be closing its own. */
function takeTurn(
  { readers, clock }: RecoveryToolkit,
  { id, name }: StoredEnvironment,
  signal: AbortSignal,
): Promise<Disposable> {
  const onDeadline = () => {
    const message = `The home of ${name} was still being read for a plan after ${TURN_MS / 1000} s. No recovery point is recorded; the home is kept.`
    return new PilothouseError('deadline_exceeded', message, { hint: 'Back up again.' })
  }
  const bounds = { clock, signal, deadlineMs: TURN_MS, onDeadline, graceMs: LEAVE_MS }
  return withDeadline((bounded) => readers.take(id, { isAlone: true, signal: bounded }), bounds)
}

async function readInTurn(
  recovery: RecoveryToolkit,
  environment: StoredEnvironment,
  context: StepContext,
): Promise<ReadHome> {
  const record = recordToReadBy(recovery, environment)
  const driver = recovery.drivers.of(environment)
  const wasAlive = (await driver.inspectGuest(record)).kind !== 'gone'
  const options = { scratchDirectory: recovery.folders.scratch, signal: context.signal }
  const view = await driver.openHomeView(record, options)
  try {
    const made = await readView(recovery, { environment, view, driver, context })
    if (wasAlive) await insistOnWhole(driver, { record, view })
    return { made, view }
  } catch (error) {
    if (wasAlive && !context.signal.aborted) await insistOnWhole(driver, { record, view, cause: error })
    throw error
  } finally {
    await closeView(recovery, { view, driver, record, options })
  }
}

/** For the home of a guest that may live its own record alone is good: by another one it would seem to be stopped. */
export function recordToReadBy(recovery: RecoveryToolkit, environment: StoredEnvironment): BootRecord {
  const { store, random, drivers } = recovery
  const { id: environmentId, home, image, size, guestUid } = environment
  const live = store.boots.liveOf(environmentId)
  if (live !== undefined && live.record.homeId === home.id) return live.record
  const newest = store.boots.listOf(environmentId).find(({ record }) => record.homeId === home.id)
  if (newest !== undefined) return newest.record
  const bootId = `boot-${random.hex(8)}` as BootId
  const spec = { environmentId, bootId, homeId: home.id, image, size, guestUid, startup: null }
  return drivers.of(environment).planBoot(spec)
}

async function insistOnPresence(recovery: RecoveryToolkit, environment: StoredEnvironment): Promise<void> {
  const seen = await lookAtHome(recovery, environment)
  try {
    insistOnHome(recovery, environment, seen)
  } catch (error) {
    throw goneHome(environment, error)
  }
}

export function goneHome({ name }: Pick<StoredEnvironment, 'name'>, cause: unknown): unknown {
  if (!(cause instanceof PilothouseError) || cause.code !== 'home_gone') return cause
  const message = `The home of ${name} is gone, so that there is nothing to back up; its recovery points are kept.`
  return new PilothouseError('home_gone', message, { cause })
}

interface Reading {
  readonly environment: StoredEnvironment
  readonly view: HomeView
  readonly driver: VmDriver
  readonly context: StepContext
}

/** The tree has the same path each time: the repository knows the files of the point before by it. */
async function readView(
  recovery: RecoveryToolkit,
  { environment, view, driver, context }: Reading,
): Promise<MadePoint> {
  const { signal, report, childStarted, operation } = context
  const folder = join(recovery.folders.rooms, environment.id)
  const tree = await driver.openViewTree(view, { folder, signal })
  try {
    const tags = tagsOf({ hostName: recovery.hostName, environment, view, operationId: operation.id })
    const call = { signal, onChild: childStarted }
    const repository = recovery.repositories.of(environment.id)
    const isAfterCrash = operation.resumptions > 0
    const use = { environmentId: environment.id, repository, isAlone: false, isAfterCrash, call }
    const homeBytes = environment.size.homeMiB * MIB
    const options = { ...call, environmentId: environment.id, tags, homeBytes, onProgress: report }
    return await useRepository(recovery, use, (open) => open.backUp(tree, options))
  } finally {
    await tree.close()
  }
}

interface WasRead {
  readonly record: BootRecord
  readonly view: HomeView
  /** What reading it failed with, where it did. */
  readonly cause?: unknown
}

/** A view goes with its guest, and breaks where there is no room for it: what could still be read of it is no home. */
async function insistOnWhole(driver: VmDriver, { record, view, cause }: WasRead): Promise<void> {
  await insistOnGuest(driver, record)
  // Once it is broken nothing of it can be read any more.
  if (await canReadNow(view.imagePath).catch(() => true)) return
  const message = 'The view of the home broke while it was being read. No recovery point is recorded; the home is kept.'
  const hint = 'See that the host has room for what the guest overwrites during a backup, then back up again.'
  throw new PilothouseError('storage_failed', message, { hint, cause })
}

async function insistOnGuest(driver: VmDriver, record: BootRecord): Promise<void> {
  if ((await driver.inspectGuest(record)).kind !== 'gone') return
  const message = 'The guest ended while its home was being read. No recovery point is recorded; the home is kept.'
  throw new PilothouseError('guest_gone', message, { hint: 'Back up again: a home without a guest can be read too.' })
}

interface Opened {
  readonly view: HomeView
  readonly driver: VmDriver
  readonly record: BootRecord
  readonly options: HomeViewOptions
}

/** What still stays then is dropped before the next view is opened, and when the guest is adopted. */
async function closeView({ logger, clock }: RecoveryToolkit, { view, driver, record, options }: Opened): Promise<void> {
  try {
    await view.close()
  } catch (error) {
    logger.warn({ err: error, bootId: record.bootId }, 'A view of a home could not be closed; it is dropped')
    using limit = new TimeLimit(clock, DROP_MS)
    await driver.dropHomeViews(record, { ...options, signal: limit.signal }).catch((failure: unknown) => {
      logger.error({ err: failure, bootId: record.bootId }, 'A view of a home could not be dropped')
    })
  }
}
