import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import type { StartOptions } from '../environments/start-operations.ts'
import type { OperationDefinition } from '../operations/step.ts'

/** restore, undo_restore, drop_undo, clone, restore_files and drill. */
export function restoreOperations(_recovery: RecoveryToolkit, _options: StartOptions): OperationDefinition[] {
  return []
}
