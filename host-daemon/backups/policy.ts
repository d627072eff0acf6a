import type { BackupPolicy } from '../../src-shared/model/backup.ts'
import type { BackupState } from '../store/backup-states-table.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'

/** The environment's own policy, else the host's. */
export function policyOf(
  { settings }: Pick<RecoveryToolkit, 'settings'>,
  { policy }: Pick<BackupState, 'policy'>,
): BackupPolicy {
  return policy ?? settings.policy
}
