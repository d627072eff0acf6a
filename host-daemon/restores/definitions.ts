import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import type { StartOptions } from '../environments/start-operations.ts'
import type { OperationDefinition } from '../operations/step.ts'
import { restoreOperation } from './restore-operation.ts'
import { dropUndoOperation } from './undo-drop.ts'
import { undoOperation } from './undo-operation.ts'

/** restore, undo_restore, drop_undo, clone, restore_files and drill. */
export function restoreOperations(recovery: RecoveryToolkit, options: StartOptions): OperationDefinition[] {
  return [restoreOperation(recovery, options), undoOperation(recovery, options), dropUndoOperation(recovery)]
}
