import { z } from 'zod'
import { homeIdSchema, type HomeId } from '../../src-shared/model/ids.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { environmentOf } from '../environments/environment-of.ts'
import { describeFailure } from '../environments/failures.ts'
import type { OperationDefinition } from '../operations/step.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { record } from './swap-record.ts'

export const dropParamsSchema = z.object({ homeId: homeIdSchema })

/**
 * Removes the home that was kept for undo, and frees its space. The home is off the record of kept ones in the transaction
 * that says that it is removed: cut off in between it is tried again, and its deadline keeps it from being brought back.
 * Whoever reads the environment's own home meanwhile is not disturbed.
 */
export function dropUndoOperation(recovery: RecoveryToolkit): OperationDefinition {
  return {
    kind: 'drop_undo',
    claim: { mode: 'exclusive', resource: 'home', isDisplacing: false },
    steps: [
      {
        name: 'remove_home',
        phase: null,
        deadlineMs: recovery.deadlines.homeMs,
        isCancellable: false,
        isForwardOnly: true,
        run: ({ operation }) => removeKept(recovery, operation),
      },
    ],
    params: dropParamsSchema,
    retry: null,
    describeFailure: describeFailure(recovery.logger),
    settle: () => undefined,
  }
}

/** A home that is in use again, or that is kept for anything else, is never touched. */
async function removeKept(recovery: RecoveryToolkit, operation: StoredOperation): Promise<void> {
  const { homeId } = dropParamsSchema.parse(operation.params)
  const environment = environmentOf(recovery, operation)
  const kept = recovery.store.keptHomes.find(homeId)
  const isToRemove = kept?.environmentId === environment.id && kept.purpose !== 'review'
  if (!isToRemove || environment.home.id === homeId) return
  const driver = recovery.drivers.of(environment)
  const seen = await driver.inspectHome(homeId).catch(() => undefined)
  await driver.destroyHome(homeId)
  const freedBytes = seen?.kind === 'present' ? seen.bytes : null
  await recovery.store.db.together(() => noteRemoved(recovery, operation, { homeId, freedBytes }))
}

function noteRemoved(
  recovery: RecoveryToolkit,
  operation: StoredOperation,
  freed: { readonly homeId: HomeId; readonly freedBytes: number | null },
): void {
  const { store, clock } = recovery
  store.keptHomes.release({ homeId: freed.homeId, environmentId: operation.environmentId })
  store.environments.setHomeRemoved(freed.homeId, clock.now())
  store.operations.setResult(operation.id, { kind: 'drop_undo', ...freed })
  record(recovery, operation, { outcome: 'dropped_undo', detail: freed })
}
