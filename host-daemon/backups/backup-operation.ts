import { describeFailure } from '../environments/failures.ts'
import { recordRollback } from '../operations/record-rollback.ts'
import type { OperationDefinition, Outcome } from '../operations/step.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { awaitSlot, backUpHome, prepareRepository, type Readings } from './backup-steps.ts'
import { policyOf } from './policy.ts'
import { keepListing } from './record-point.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'
import { afterCancel, afterFailure, afterSuccess } from './schedule.ts'

/** Makes a recovery point of the home; the guest runs on. It gives way to whatever works on guest or home. */
export function backupOperation(recovery: RecoveryToolkit): OperationDefinition {
  const readings: Readings = new Map()
  return {
    kind: 'backup',
    claim: { mode: 'shared', resource: 'home' },
    steps: [awaitSlot(recovery), prepareRepository(recovery), backUpHome(recovery, readings), keepListing(recovery)],
    retry: null,
    describeFailure: describeFailure(recovery.logger),
    settle: (operation, outcome) => settleBackup(recovery, operation, outcome),
    recordAs: recordRollback,
  }
}

/** How it ended, and when the next one is due. */
function settleBackup(recovery: RecoveryToolkit, operation: StoredOperation, outcome: Outcome): void {
  const { backupStates } = recovery.store
  const { environmentId: id, id: operationId, requestedAt: at } = operation
  const failure = outcome.kind === 'failed' ? outcome.failure : null
  const before = backupStates.of(id).failuresInARow
  const failures = outcome.kind === 'succeeded' ? 0 : before + (outcome.kind === 'failed' ? 1 : 0)
  backupStates.setAttempt(id, { at, operationId, outcome: outcome.kind, failure })
  backupStates.setFailuresInARow(id, failures)
  backupStates.setNextAt(id, nextAt(recovery, operation, { outcome, failures }))
}

interface Ended {
  readonly outcome: Outcome
  readonly failures: number
}

function nextAt(
  recovery: RecoveryToolkit,
  { environmentId: id, result }: StoredOperation,
  { outcome, failures }: Ended,
): number | null {
  const { store, clock } = recovery
  const { intervalMinutes } = policyOf(recovery, store.backupStates.of(id))
  if (intervalMinutes === null) return null
  const times = { id, intervalMs: intervalMinutes * 60_000 }
  const now = clock.now()
  if (outcome.kind === 'cancelled') return afterCancel(times, now)
  if (outcome.kind === 'failed') return afterFailure(times, failures, now)
  const takenAt = result?.kind === 'backup' ? store.points.find(result.pointId)?.takenAt : undefined
  return afterSuccess(times, takenAt ?? now)
}
