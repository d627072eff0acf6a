import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import type { StartOptions } from '../environments/start-operations.ts'
import type { OperationDefinition } from '../operations/step.ts'
import type { InsertLimits } from '../store/environments-table.ts'
import { cloneOperation } from './clone-operation.ts'
import { drillOperation } from './drill-operation.ts'
import { restoreFilesOperation } from './files-operation.ts'
import { restoreOperation } from './restore-operation.ts'
import { dropUndoOperation } from './undo-drop.ts'
import { undoOperation } from './undo-operation.ts'

export interface RestoreOptions extends StartOptions {
  /** Of the environments that drills are kept as. */
  readonly limits: InsertLimits
}

/** restore, undo_restore, drop_undo, clone, restore_files and drill. */
export function restoreOperations(recovery: RecoveryToolkit, options: RestoreOptions): OperationDefinition[] {
  return [
    restoreOperation(recovery, options),
    undoOperation(recovery, options),
    dropUndoOperation(recovery),
    cloneOperation(recovery, options),
    restoreFilesOperation(recovery),
    drillOperation(recovery, options.limits),
  ]
}
