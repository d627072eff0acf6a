import { PilothouseError } from '../../src-shared/error.ts'
import type { HomeId, RecoveryPointId } from '../../src-shared/model/ids.ts'
import type { OperationResult } from '../../src-shared/model/operation-result.ts'
import type { HomeView } from '../drivers/vm-driver.ts'
import { environmentOf } from '../environments/environment-of.ts'
import type { Step, StepContext } from '../operations/step.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import type { NewPoint } from '../store/points-table.ts'
import { without } from '../store/without.ts'
import { findTaken, LONG_STEP_MS, type Readings } from './backup-steps.ts'
import type { PointListings } from './point-listings.ts'
import type { MadePoint, PointSize } from './point-repository.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'
import { useRepository } from './repository-work.ts'

/** A point that is in the repository, with what is known of the home that it was made of. */
export interface TakenPoint {
  readonly made: MadePoint
  readonly environment: StoredEnvironment
  readonly homeId: HomeId
  readonly view: Pick<HomeView, 'consistency' | 'frozenMs'>
  /** A daemon that died had made it: what it added, how long it took and what it could not read is not known. */
  readonly isFoundAgain: boolean
}

export interface Recording {
  readonly recovery: RecoveryToolkit
  readonly readings: Readings
  readonly listings: PointListings
}

/**
 * Puts the point on record: its row, what came of the operation, and activity, in one transaction. Then keeps what is in
 * it; where that fails or is cut off, the point is as good without.
 */
export function recordPoint(recording: Recording): Step {
  return {
    name: 'record_point',
    phase: null,
    deadlineMs: LONG_STEP_MS,
    isCancellable: true,
    run: async (context) => {
      const { store } = recording.recovery
      const taken = await takenBy(recording, context)
      const { id } = taken.made
      if (store.points.find(id) === undefined) await record(recording, context, taken)
      await keepListing(recording, context, id)
    },
  }
}

async function takenBy({ recovery, readings }: Recording, context: StepContext): Promise<TakenPoint> {
  const { operation } = context
  const taken =
    (await readings.get(operation.id)) ?? (await findTaken(recovery, environmentOf(recovery, operation), context))
  if (taken !== undefined) return taken
  const message = 'The recovery point that was made is not in the repository any more; somebody has removed it.'
  throw new PilothouseError('no_recovery_point', message)
}

async function record({ recovery }: Recording, context: StepContext, taken: TakenPoint): Promise<void> {
  const { operation, signal, childStarted } = context
  const { environmentId } = operation
  const repository = recovery.repositories.of(environmentId)
  const call = { signal, onChild: childStarted }
  const use = { environmentId, repository, isAlone: false, isAfterCrash: false, call }
  const size = await useRepository(recovery, use, () => repository.sizeOf({ ...call, point: taken.made.id }))
  signal.throwIfAborted()
  await recovery.store.db.together(() => write(recovery, operation, { taken, size, repository: repository.location }))
}

interface Recorded {
  readonly taken: TakenPoint
  readonly size: PointSize
  readonly repository: string
}

function write({ store, clock, hostName }: RecoveryToolkit, operation: StoredOperation, recorded: Recorded): void {
  const { id: operationId, environmentId, actor, requestId } = operation
  const at = clock.now()
  const point = pointOf(recorded, { operationId, hostName, recordedAt: at })
  const result = resultOf(recorded)
  store.points.insert(point)
  store.operations.setResult(operationId, result)
  store.backupStates.setProblem(environmentId, null, at)
  const { isFoundAgain } = recorded.taken
  const facts = without(result, ['kind'])
  const detail = { ...facts, takenAt: point.takenAt, ...(isFoundAgain ? { isFoundAgain } : {}) }
  const about = { action: 'point.recorded', outcome: 'succeeded', detail }
  store.activity.append({ ...about, at, actor, requestId, operationId, environmentId })
}

function pointOf(
  { taken: { made, environment, homeId, view }, size, repository }: Recorded,
  said: Pick<NewPoint, 'operationId' | 'hostName' | 'recordedAt'>,
): NewPoint {
  const { id, takenAt, path, tags, addedBytes, durationMs, unreadable } = made
  return {
    ...said,
    id,
    environmentId: environment.id,
    repository,
    path,
    homeId,
    image: environment.image,
    homeMiB: environment.size.homeMiB,
    takenAt,
    bytes: size.bytes,
    entries: size.entries,
    addedBytes,
    durationMs,
    consistency: view.consistency,
    unreadableCount: unreadable.length,
    tags: [...tags],
    hasListing: false,
  }
}

function resultOf({ taken: { made, view }, size }: Recorded): OperationResult & { readonly kind: 'backup' } {
  const { id: pointId, addedBytes, unreadable } = made
  const { consistency } = view
  const frozenMs = view.frozenMs === null ? null : Math.round(view.frozenMs)
  const unreadableCount = unreadable.length
  return { kind: 'backup', pointId, ...size, addedBytes, consistency, frozenMs, unreadableCount }
}

/** Never rejects. Cut off, it is not waited for: nothing of the home is in use any more. */
async function keepListing(
  { recovery, listings }: Recording,
  { operation, signal, childStarted }: StepContext,
  id: RecoveryPointId,
): Promise<void> {
  const point = recovery.store.points.find(id)
  if (point === undefined || point.hasListing || signal.aborted) return
  const made = listings.make(point, { signal, onChild: childStarted }).catch((error: unknown) => {
    if (signal.aborted) return
    recovery.logger.warn({ err: error, operationId: operation.id, pointId: id }, 'A listing could not be kept')
  })
  await Promise.race([made, aborted(signal)])
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
