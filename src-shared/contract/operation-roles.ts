import type { OperationKind } from '../model/operation.ts'
import type { Role } from '../model/role.ts'
import type { CallNameOf } from './call-names.ts'
import { metaAt } from './client.ts'
import { daemonContract, type DaemonContract } from './daemon.ts'

/** The call that starts each kind of operation. */
const STARTED_BY: Readonly<Record<OperationKind, CallNameOf<DaemonContract>>> = {
  spawn: 'environments.spawn',
  start: 'environments.start',
  stop: 'environments.stop',
  reboot: 'environments.reboot',
  recover: 'environments.recover',
  resize: 'environments.resize',
  reset: 'environments.reset.run',
  destroy: 'environments.destroy.run',
  backup: 'backups.now',
  check: 'backups.check',
  prune: 'backups.prune',
  restore: 'restore.run',
  undo_restore: 'undo.run',
  drop_undo: 'drop.run',
  clone: 'clone',
  restore_files: 'files',
  drill: 'drill',
}

/** The lowest role that may start an operation of this kind, and so the lowest that may end one. */
export function roleOfOperation(kind: OperationKind): Role {
  return metaAt(daemonContract, STARTED_BY[kind].split('.'))?.role ?? 'admin'
}
