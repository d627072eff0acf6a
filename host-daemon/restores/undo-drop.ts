import { z } from 'zod'
import { PilothouseError } from '../../src-shared/error.ts'
import { homeIdSchema } from '../../src-shared/model/ids.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { describeFailure } from '../environments/failures.ts'
import type { OperationDefinition, StepContext } from '../operations/step.ts'
import { removeKeptHome, type FreedHome } from './remove-kept-home.ts'

export const dropParamsSchema = z.object({ homeId: homeIdSchema })

/**
 * Removes a kept home, as `removeKeptHome` does: its deadline, or that it was given up, keeps it from being brought back
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
    describeFailure: describeDropFailure(recovery),
    settle: () => undefined,
  }
}

async function drop(recovery: RecoveryToolkit, { operation }: StepContext): Promise<void> {
  const { homeId } = dropParamsSchema.parse(operation.params)
  const tell = (freed: FreedHome) => recovery.store.operations.setResult(operation.id, { kind: 'drop_undo', ...freed })
  await removeKeptHome(recovery, operation, { homeId, tell })
}

function describeDropFailure(recovery: RecoveryToolkit): OperationDefinition['describeFailure'] {
  const describe = describeFailure(recovery.logger)
  return (error, operation) => {
    const failure = describe(error, operation).toFailure()
    const { homeId } = dropParamsSchema.parse(operation.params)
    const fate = `The home ${homeId} could not be removed and cannot be brought back any more; the daemon tries that again by itself.`
    return PilothouseError.fromFailure({ ...failure, message: `${failure.message} ${fate}` }, error)
  }
}
