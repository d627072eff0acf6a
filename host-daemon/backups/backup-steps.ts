import type { OperationId } from '../../src-shared/model/ids.ts'
import { environmentOf } from '../environments/environment-of.ts'
import { refuseQuarantined } from '../environments/quarantine.ts'
import type { Step, StepContext, UndoContext } from '../operations/step.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { readHome, recordToReadBy } from './home-reading.ts'
import type { MadePoint } from './point-repository.ts'
import { readTags } from './point-tags.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'
import { clearLocksBehind, useRepository } from './repository-work.ts'
import type { TakenPoint } from './record-point.ts'
import { findMade, forgetMadeBefore, forgetMadeInVain } from './unrecorded-points.ts'

const HOUR_MS = 60 * 60 * 1000
/** Calls to a repository have bounds of their own, by their progress and in all; this one is for those that do not. */
export const LONG_STEP_MS = 25 * HOUR_MS
/** A repository's program has 20 s to let go of it; its locks and what it made in vain are seen to after that. */
const LETTING_GO_MS = 60_000

/** Waits for a turn among backups, checks and drills. The wait is nobody's failure and counts for no deadline. */
export function awaitSlot({ slots }: RecoveryToolkit): Step {
  return {
    name: 'await_slot',
    phase: null,
    deadlineMs: null,
    isCancellable: true,
    run: async ({ scope, signal }) => {
      scope.add(await slots.take(signal))
    },
  }
}

/**
 * Makes the repository where there never was one. Where points of it are on record it is not made anew, whatever is found
 * in its place: an empty one would hide that they are lost.
 */
export function prepareRepository(recovery: RecoveryToolkit): Step {
  return {
    name: 'prepare_repository',
    phase: null,
    deadlineMs: LONG_STEP_MS,
    isCancellable: true,
    run: async ({ operation, signal, childStarted }) => {
      const { environmentId, resumptions } = operation
      const repository = recovery.repositories.of(environmentId)
      if (recovery.store.points.isAnyAt(repository.location)) return
      const call = { signal, onChild: childStarted }
      const use = { environmentId, repository, isAlone: false, isAfterCrash: resumptions > 0, call }
      await useRepository(recovery, use, () => repository.prepare(call))
    },
  }
}

/** Points that were made by operations of this daemon and are not yet on record. */
export type Readings = Map<OperationId, Promise<TakenPoint>>

/**
 * Makes the point. Gone on with after a crash it makes it anew: of one that it had made already nobody knows whether the
 * view was whole. Its undo waits until nothing of the reading is left, and forgets, unless it was cancelled, a point that was
 * made and is not on record, as retention would count it.
 */
export function backUpHome(recovery: RecoveryToolkit, readings: Readings): Step {
  return {
    name: 'back_up',
    phase: null,
    deadlineMs: LONG_STEP_MS,
    isCancellable: true,
    undoDeadlineMs: LETTING_GO_MS,
    run: async (context) => {
      const { id } = context.operation
      const reading = takePoint(recovery, context)
      readings.set(id, reading)
      context.scope.add({ dispose: () => readings.delete(id) })
      await reading
    },
    undo: async (context) => {
      const reading = readings.get(context.operation.id)
      if (reading === undefined) await clearUp(recovery, context)
      else await reading.catch(() => undefined)
      // Whoever displaced or cancelled it is not to wait for that: retention sees to it before it counts.
      if (context.cause.code !== 'cancelled') await forgetMadeInVain(recovery, context.operation, context.signal)
    },
  }
}

async function takePoint(recovery: RecoveryToolkit, context: StepContext): Promise<TakenPoint> {
  const { operation, signal, childStarted } = context
  const environment = environmentOf(recovery, operation)
  refuseQuarantined(environment)
  if (operation.resumptions > 0) await forgetMadeBefore(recovery, operation, { signal, onChild: childStarted })
  const { made, view } = await readHome(recovery, environment, context)
  return { made, environment, homeId: environment.home.id, view, isFoundAgain: false }
}

/**
 * The point that this operation made before the daemon died; undefined where it made none. Only for what comes after
 * `back_up`: by the journal that has ended then, with the view found whole.
 */
export async function findTaken(
  recovery: RecoveryToolkit,
  environment: StoredEnvironment,
  { operation, signal, childStarted }: Pick<StepContext, 'operation' | 'signal' | 'childStarted'>,
): Promise<TakenPoint | undefined> {
  const { id: environmentId } = environment
  const call = { signal, onChild: childStarted }
  const repository = recovery.repositories.of(environmentId)
  const use = { environmentId, repository, isAlone: false, isAfterCrash: true, call }
  const point = await useRepository(recovery, use, (open) => findMade(open, operation, call))
  if (point === undefined) return undefined
  const { homeId = environment.home.id, ...view } = readTags(point.tags)
  // What only the dead daemon heard is not known any more.
  const made: MadePoint = { ...point, addedBytes: 0, durationMs: 0, unreadable: [] }
  return { made, environment, homeId, view, isFoundAgain: true }
}

async function clearUp(recovery: RecoveryToolkit, { operation, signal }: UndoContext): Promise<void> {
  const environment = environmentOf(recovery, operation)
  await dropViews(recovery, environment, signal)
  await clearLocks(recovery, operation, signal)
}

async function dropViews(
  recovery: RecoveryToolkit,
  environment: StoredEnvironment,
  signal: AbortSignal,
): Promise<void> {
  const record = recordToReadBy(recovery, environment)
  const options = { scratchDirectory: recovery.folders.scratch, signal }
  await recovery.drivers.of(environment).dropHomeViews(record, options)
}

/** A lock that stays is cleared before the next use; it is no reason to call the cancel a failure. */
async function clearLocks(
  recovery: RecoveryToolkit,
  { environmentId }: StoredOperation,
  signal: AbortSignal,
): Promise<void> {
  const repository = recovery.repositories.of(environmentId)
  const turn = await recovery.uses.take(repository.location, { isAlone: false, signal }).catch(() => undefined)
  await clearLocksBehind(recovery, repository).finally(() => turn?.dispose())
}
