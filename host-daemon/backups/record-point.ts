import { PilothouseError } from '../../src-shared/error.ts'
import type { OperationId } from '../../src-shared/model/ids.ts'
import type { OperationResult } from '../../src-shared/model/operation-result.ts'
import type { HomeView } from '../drivers/vm-driver.ts'
import type { Step, StepContext } from '../operations/step.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import type { NewPoint, StoredPoint } from '../store/points-table.ts'
import { without } from '../store/without.ts'
import { PointListings } from './point-listings.ts'
import type { MadePoint, PointSize } from './point-repository.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'
import { LONG_STEP_MS, useRepository } from './repository-work.ts'

/** A point that is in the repository, with what is known of the home that it was made of. */
export interface TakenPoint {
  readonly made: MadePoint
  readonly environment: StoredEnvironment
  readonly view: Pick<HomeView, 'consistency' | 'frozenMs'>
}

/** The point that the operation has put on record; undefined where it has not. */
export function recordedBy({ store }: RecoveryToolkit, id: OperationId): StoredPoint | undefined {
  const result = store.operations.find(id)?.result
  return result?.kind === 'backup' ? store.points.find(result.pointId) : undefined
}

/** Puts the point on record: its row, what came of the operation, and activity, in one transaction. */
export async function recordPoint(recovery: RecoveryToolkit, context: StepContext, taken: TakenPoint): Promise<void> {
  const { operation, signal, childStarted } = context
  const { environmentId } = operation
  const repository = recovery.repositories.of(environmentId)
  const call = { signal, onChild: childStarted }
  const use = { environmentId, repository, isAlone: false, isAfterCrash: false, call }
  const size = await useRepository(recovery, use, () => repository.sizeOf({ ...call, point: taken.made.id }))
  signal.throwIfAborted()
  await recovery.store.db.together(() => write(recovery, operation, { taken, size, repository: repository.location }))
}

/** Keeps what is in the point that was recorded; where that fails or is cut off, the point is as good without. */
export function keepListing(recovery: RecoveryToolkit): Step {
  const listings = new PointListings(recovery)
  return {
    name: 'keep_listing',
    phase: null,
    deadlineMs: LONG_STEP_MS,
    isCancellable: true,
    run: async (context) => {
      const point = recordedBy(recovery, context.operation.id)
      if (point !== undefined) await listPoint(recovery, context, { listings, point })
      else throw new PilothouseError('no_recovery_point', 'The recovery point that was made is not on record.')
    },
  }
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
  const detail = { ...without(result, ['kind']), takenAt: point.takenAt }
  const about = { action: 'point.recorded', outcome: 'succeeded', detail }
  store.activity.append({ ...about, at, actor, requestId, operationId, environmentId })
}

function pointOf(
  { taken: { made, environment, view }, size, repository }: Recorded,
  said: Pick<NewPoint, 'operationId' | 'hostName' | 'recordedAt'>,
): NewPoint {
  const { id, takenAt, path, tags, addedBytes, durationMs, unreadableCount } = made
  return {
    ...said,
    id,
    environmentId: environment.id,
    repository,
    path,
    homeId: environment.home.id,
    image: environment.image,
    homeMiB: environment.size.homeMiB,
    takenAt,
    bytes: size.bytes,
    entries: size.entries,
    addedBytes,
    durationMs,
    consistency: view.consistency,
    unreadableCount,
    tags: [...tags],
    hasListing: false,
  }
}

function resultOf({ taken: { made, view }, size }: Recorded): OperationResult & { readonly kind: 'backup' } {
  const { id: pointId, addedBytes, unreadableCount } = made
  const { consistency } = view
  const frozenMs = view.frozenMs === null ? null : Math.round(view.frozenMs)
  return { kind: 'backup', pointId, ...size, addedBytes, consistency, frozenMs, unreadableCount }
}

interface Listing {
  readonly listings: PointListings
  readonly point: StoredPoint
}

/** Never rejects. Cut off, it is not waited for: nothing of the home is in use any more. */
async function listPoint(
  { logger }: RecoveryToolkit,
  { operation, signal, childStarted }: StepContext,
  { listings, point }: Listing,
): Promise<void> {
  if (point.hasListing || signal.aborted) return
  const made = listings.make(point, { signal, onChild: childStarted }).catch((error: unknown) => {
    if (signal.aborted) return
    logger.warn({ err: error, operationId: operation.id, pointId: point.id }, 'A listing could not be kept')
  })
  await Promise.race([made, aborted(signal)])
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener('abort', () => resolve(), { once: true })
  })
}
