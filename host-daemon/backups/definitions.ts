import type { OperationDefinition } from '../operations/step.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'

/** backup, prune and check. */
export function backupOperations(_recovery: RecoveryToolkit): OperationDefinition[] {
  return []
}
