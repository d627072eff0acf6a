import type { HomeId } from '../../src-shared/model/ids.ts'
import type { OperationResult } from '../../src-shared/model/operation-result.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { environmentOf } from '../environments/environment-of.ts'
import { failedState } from '../environments/failures.ts'
import { settleStart } from '../environments/settle-start.ts'
import type { Outcome } from '../operations/step.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { record } from './swap-record.ts'
import { observedBefore, swapOf } from './swap-params.ts'

/** The point of no return: whatever happens from here on, the environment stays on its new home. */
export const LAST_STEP = 'commit'

/** The end of an operation that changes homes: on the new one, as it was before, or kept for review. */
export function settleSwap(recovery: RecoveryToolkit, operation: StoredOperation, outcome: Outcome): void {
  // Whatever direction it was given up in: of the last step nothing is ever undone.
  const isCommitted = operation.step === LAST_STEP
  if (outcome.kind === 'succeeded' || isCommitted) settleStart(recovery, operation, { kind: 'succeeded' })
  else if (outcome.kind === 'cancelled' || outcome.isRolledBack) settleAsBefore(recovery, operation)
  else settleForReview(recovery, operation, outcome)
}

/** A guest that ran is running again by then; anything else is said to be what it was said to be before. */
function settleAsBefore(recovery: RecoveryToolkit, operation: StoredOperation): void {
  const { store, clock } = recovery
  const { desiredBefore, hadGuest } = swapOf(operation)
  const { id, home, observed } = environmentOf(recovery, operation)
  store.environments.setDesired(id, desiredBefore)
  const before = observedBefore(operation)
  const isSame = observed.kind === before.kind && observed.since === before.since
  if (!hadGuest && !isSame) store.environments.setObserved(id, before, clock.now())
  if (store.environments.homeMadeAt(home.id) === null) store.environments.setUncounted(id)
}

/**
 * Nothing that was set aside is removed by the daemon any more, but what was there to be removed before, which may be
 * half gone. A guest that runs all the same is said to run.
 */
function settleForReview(
  recovery: RecoveryToolkit,
  operation: StoredOperation,
  outcome: Outcome & { kind: 'failed' },
): void {
  const { store, clock, logger } = recovery
  const { id: environmentId, home, observed } = environmentOf(recovery, operation)
  const now = clock.now()
  const kept = store.keptHomes.undoOf(environmentId)
  const isAside = (homeId: HomeId) => homeId !== home.id && store.keptHomes.find(homeId)?.purpose !== 'removal'
  const aside = store.environments.homesOf(environmentId).filter(isAside)
  const about = {
    environmentId,
    purpose: 'review',
    operationId: operation.id,
    keptAt: now,
    until: null,
    isProved: false,
  } as const
  for (const homeId of aside) {
    store.keptHomes.keep({ ...about, homeId, bytes: kept?.homeId === homeId ? kept.bytes : null })
  }
  if (swapOf(operation).desiredBefore === 'stopped') store.environments.setDesired(environmentId, 'stopped')
  if (observed.kind !== 'running') store.environments.setObserved(environmentId, failedState(outcome, now), now)
  const detail = { homeId: home.id, keptForReview: aside, message: outcome.failure.message }
  record(recovery, operation, { outcome: 'kept_for_review', detail })
  logger.error({ operationId: operation.id, environmentId, ...detail }, 'A rollback failed; every home is kept')
}

type Undo = Extract<OperationResult, { kind: 'restore' }>['undo']

/** What can be brought back after the swap; null where nothing is kept. */
export function undoOffered({ store }: RecoveryToolkit, operation: StoredOperation): Undo {
  const kept = store.keptHomes.undoOf(operation.environmentId)
  if (kept?.until === undefined || kept.until === null || kept.homeId !== swapOf(operation).oldHomeId) return null
  return { homeId: kept.homeId, until: kept.until, bytes: kept.bytes }
}
