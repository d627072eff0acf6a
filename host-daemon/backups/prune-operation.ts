import { PilothouseError } from '../../src-shared/error.ts'
import type { RecoveryPointId } from '../../src-shared/model/ids.ts'
import { describeFailure } from '../environments/failures.ts'
import type { OperationDefinition, Step, StepContext } from '../operations/step.ts'
import type { BackupState } from '../store/backup-states-table.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { dropForgottenPoints, FORGOTTEN_KEPT_MS, listForgottenListings, listPointsAt } from '../store/points-upkeep.ts'
import { awaitSlot } from './backup-steps.ts'
import { PointListings } from './point-listings.ts'
import { policyOf } from './policy.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'
import { LONG_STEP_MS, useRepository } from './repository-work.ts'
import { forgetLeftOver } from './unrecorded-points.ts'

/**
 * Forgets the points that no rule keeps, and frees their space; what has gone from the repository is told as gone. The
 * record of what is gone is kept for a month; see `dropForgottenPoints`.
 */
export function pruneOperation(recovery: RecoveryToolkit): OperationDefinition {
  return {
    kind: 'prune',
    claim: { mode: 'shared', resource: 'repository' },
    steps: [awaitSlot(recovery), pruneRepository(recovery), removeListings(recovery, new PointListings(recovery))],
    retry: null,
    describeFailure: describeFailure(recovery.logger),
    settle: () => undefined,
  }
}

/** What is gone is found by looking, not by what was said to go: a dead daemon's prune has told nobody. */
function pruneRepository(recovery: RecoveryToolkit): Step {
  return {
    name: 'prune',
    phase: null,
    deadlineMs: LONG_STEP_MS,
    isCancellable: true,
    run: async (context) => {
      const { operation, signal, childStarted } = context
      const { environmentId } = operation
      const repository = recovery.repositories.of(environmentId)
      const call = { signal, onChild: childStarted, environmentId }
      const use = { environmentId, repository, isAlone: true, isAfterCrash: operation.resumptions > 0, call }
      const { keep } = policyOf(recovery, insistOnPolicy(recovery.store.backupStates.of(environmentId)))
      const left = await useRepository(recovery, use, async () => {
        await forgetLeftOver(recovery, repository, call)
        await repository.prune({ ...call, keep })
        return await repository.list(call)
      })
      const there = new Set(left.map(({ id }) => id))
      await recovery.store.db.together(() => record(recovery, operation, { there, location: repository.location }))
    },
  }
}

/** A policy that cannot be read may keep more than the host's does. */
function insistOnPolicy(state: BackupState): BackupState {
  if (state.malformation === null) return state
  const message = `${state.malformation} Nothing was forgotten: which points it keeps cannot be told.`
  throw new PilothouseError('engine_failed', message, { hint: 'Give the environment a backup policy again.' })
}

interface Found {
  readonly there: ReadonlySet<RecoveryPointId>
  readonly location: string
}

/** What is at another place was not looked at. */
function record({ store, clock }: RecoveryToolkit, operation: StoredOperation, { there, location }: Found): void {
  const { id: operationId, environmentId, actor, requestId } = operation
  const at = clock.now()
  const known = listPointsAt(store.db, { environmentId, repository: location })
  const gone = known.filter(({ id }) => !there.has(id))
  for (const { id, takenAt } of gone) {
    store.points.setForgotten({ id, environmentId }, at)
    const detail = { pointId: id, takenAt }
    const about = { action: 'point.forgotten', outcome: 'succeeded', detail }
    store.activity.append({ ...about, at, actor, requestId, operationId, environmentId })
  }
  store.backupStates.setPruned(environmentId, at)
  store.operations.setResult(operationId, {
    kind: 'prune',
    forgotten: gone.length,
    kept: known.length - gone.length,
  })
}

function removeListings({ store, clock }: RecoveryToolkit, listings: PointListings): Step {
  return {
    name: 'remove_listings',
    phase: null,
    deadlineMs: LONG_STEP_MS,
    isCancellable: true,
    run: async ({ operation: { environmentId }, signal }: StepContext) => {
      for (const id of listForgottenListings(store.db, environmentId)) {
        signal.throwIfAborted()
        await listings.remove({ id, environmentId })
      }
      const before = clock.now() - FORGOTTEN_KEPT_MS
      while (await store.db.together(() => dropForgottenPoints(store.db, environmentId, before)))
        signal.throwIfAborted()
    },
  }
}
