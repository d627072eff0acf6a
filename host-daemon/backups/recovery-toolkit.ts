import type { BackupPolicy } from '../../src-shared/model/backup.ts'
import type { ImageRef } from '../../src-shared/model/ids.ts'
import type { Toolkit } from '../environments/toolkit.ts'
import type { ImageRecovery } from '../images/image-recovery.ts'
import type { Turns } from '../operations/turns.ts'
import type { SharedTurns } from '../system/shared-turns.ts'
import type { Repositories } from './point-repository.ts'

/** Folders of the daemon's own, absolute. */
export interface RecoveryFolders {
  /** Mount points inside private rooms; nothing is ever written to them. */
  readonly rooms: string
  /** What guests overwrite while a view of their home is open. Its parents are searchable by others. */
  readonly scratch: string
  /** What is in each point, one file a point. */
  readonly listings: string
  /** Files that were restored on their own, a folder for each time. */
  readonly restored: string
}

/** How backups, checks, drills and restores behave; everything in it is a setting. */
export interface RecoverySettings {
  /** Of environments without one of their own. */
  readonly policy: BackupPolicy
  /** Null: none is scheduled. */
  readonly checkIntervalMs: number | null
  readonly checkParts: number
  readonly pruneIntervalMs: number | null
  readonly maxConcurrent: number
  /** How long the home that a restore replaced is kept. */
  readonly undoMs: number
  /** Bounds the counting of what a restore would lose. */
  readonly countingMs: number
  /** From one look at what is due to the next. */
  readonly tickMs: number
}

/** What backups and everything that uses a recovery point are made with. */
export interface RecoveryToolkit extends Toolkit {
  readonly hostName: string
  readonly repositories: Repositories
  readonly folders: RecoveryFolders
  readonly settings: RecoverySettings
  /** Whose turn it is among backups, checks and drills. */
  readonly slots: Turns
  /**
   * Who uses which repository: readers beside each other, one who needs it for himself alone. It spares restic's own
   * locks a quarrel; it is no substitute for them.
   */
  readonly uses: SharedTurns
  /** Who reads the home of which environment, one at a time: from before a view of it is opened until none is left. */
  readonly readers: SharedTurns
  /** What an image's recipe says for recovery points of its guests; never rejects for an image that is not there. */
  readonly recoveryOf: (image: ImageRef) => Promise<ImageRecovery>
  /** The daemon's own uid: whatever it does by itself is recorded under it. */
  readonly uid: number
}
