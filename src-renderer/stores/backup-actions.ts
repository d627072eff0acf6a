import type { Failure } from '../../src-shared/error.ts'
import type { RecoveryPoint } from '../../src-shared/model/recovery-point.ts'
import type { BackupAction } from '../lib/backup-rules.ts'
import type { EnvironmentRow } from '../lib/environment-list.ts'
import { useBackupsStore } from './backups.ts'
import { useDialogsStore } from './dialogs.ts'

/** What a press of each is called and looks like; dots say that a dialog comes first. */
export const BACKUP_LOOKS: Record<BackupAction, { readonly label: string; readonly icon: string }> = {
  backup: { label: 'Back up now', icon: 'i-lucide-archive' },
  restore: { label: 'Restore…', icon: 'i-lucide-history' },
  undo: { label: 'Undo the restore…', icon: 'i-lucide-undo-2' },
  drop: { label: 'Give it up…', icon: 'i-lucide-trash-2' },
  browse: { label: 'Browse…', icon: 'i-lucide-folder-tree' },
  compare: { label: 'Compare with…', icon: 'i-lucide-diff' },
  drill: { label: 'Drill…', icon: 'i-lucide-shield-check' },
  clone: { label: 'Clone…', icon: 'i-lucide-copy-plus' },
  'restore-files': { label: 'Restore files…', icon: 'i-lucide-file-down' },
  check: { label: 'Check…', icon: 'i-lucide-stethoscope' },
  prune: { label: 'Prune…', icon: 'i-lucide-scissors' },
  policy: { label: 'Policy…', icon: 'i-lucide-calendar-clock' },
}

/** Does what a press of an action means: gives the command, or opens the dialog that asks for the rest. */
export function useBackupActions() {
  const backups = useBackupsStore()
  const dialogs = useDialogsStore()

  /** Resolves with why the host did not accept it; null where it did, or where a dialog has opened. */
  return async function press(
    action: BackupAction,
    row: EnvironmentRow,
    point: RecoveryPoint | null = null,
  ): Promise<Failure | null> {
    switch (action) {
      case 'backup':
        return (await backups.backUp(row)).failure
      case 'restore':
      case 'undo':
      case 'drop':
      case 'drill':
      case 'clone':
      case 'restore-files':
        dialogs.openRestore(action, row, { point })
        return null
      default:
        dialogs.openBackup(action, row, point)
        return null
    }
  }
}
