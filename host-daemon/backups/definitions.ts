import type { OperationDefinition } from '../operations/step.ts'
import { backupOperation } from './backup-operation.ts'
import { checkOperation } from './check-operation.ts'
import { pruneOperation } from './prune-operation.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'

/** backup, prune and check. */
export function backupOperations(recovery: RecoveryToolkit): OperationDefinition[] {
  return [backupOperation(recovery), pruneOperation(recovery), checkOperation(recovery)]
}
