import type { OperationId } from '../../src-shared/model/ids.ts'
import { environmentOf } from '../environments/environment-of.ts'
import { refuseQuarantined } from '../environments/quarantine.ts'
import type { Step, StepContext, UndoContext } from '../operations/step.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { readHome, recordToReadBy } from './home-reading.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'
import { recordedBy, recordPoint } from './record-point.ts'
import { clearLocksBehind, LONG_STEP_MS, useRepository } from './repository-work.ts'
import { forgetMadeBefore, forgetMadeInVain } from './unrecorded-points.ts'

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

/** Work of this daemon's operations that has not let go of home and repository yet, or has ended. */
export type Readings = Map<OperationId, Promise<void>>

/**
 * Makes the point and puts it on record. Nothing is taken from a daemon that died in between: whether the view was whole,
 * and everything could be read, only that one knew, so that what it made is forgotten and made anew. Its undo waits until
 * nothing of the reading is left, and forgets, unless it was cancelled, a point that was made and is not on record, as
 * retention would count it.
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
      if (recordedBy(recovery, id) !== undefined) return
      const reading = makePoint(recovery, context)
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

async function makePoint(recovery: RecoveryToolkit, context: StepContext): Promise<void> {
  const { operation, signal, childStarted } = context
  const environment = environmentOf(recovery, operation)
  refuseQuarantined(environment)
  if (operation.resumptions > 0) await forgetMadeBefore(recovery, operation, { signal, onChild: childStarted })
  const { made, view } = await readHome(recovery, environment, context)
  await recordPoint(recovery, context, { made, environment, view })
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
