import { z } from 'zod'
import { homeIdSchema } from '../../src-shared/model/ids.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { describeFailure } from '../environments/failures.ts'
import type { OperationDefinition, StepContext } from '../operations/step.ts'
import { removeKeptHome, type FreedHome } from './remove-kept-home.ts'

export const dropParamsSchema = z.object({ homeId: homeIdSchema })

/**
 * Removes the home that was kept for undo, as `removeKeptHome` does; its deadline keeps it from being brought back
 * until it is gone. Whoever reads the environment's own home meanwhile is not disturbed.
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
        run: (context) => drop(recovery, context),
      },
    ],
    params: dropParamsSchema,
    retry: null,
    describeFailure: describeFailure(recovery.logger),
    settle: () => undefined,
  }
}

async function drop(recovery: RecoveryToolkit, { operation }: StepContext): Promise<void> {
  const { homeId } = dropParamsSchema.parse(operation.params)
  const tell = (freed: FreedHome) => recovery.store.operations.setResult(operation.id, { kind: 'drop_undo', ...freed })
  await removeKeptHome(recovery, operation, { homeId, tell })
}
