import type { EnvironmentId, RecoveryPointId } from '../../src-shared/model/ids.ts'
import type { Retention } from '../../src-shared/model/backup.ts'
import type { CheckDepth } from '../../src-shared/model/operation-result.ts'
import type { PointEntry } from '../../src-shared/model/recovery-point.ts'
import type { RepositoryLocation } from '../../src-shared/model/repository.ts'
import type { HomeTree } from '../drivers/vm-driver.ts'
import type { ProcessIdentity } from '../system/processes.ts'

/** What every call takes beside its own. */
export interface RepositoryCall {
  readonly signal: AbortSignal
  /** Told of the engine's process as soon as it runs, so that it can be journaled before it has done anything much. */
  readonly onChild?: (process: ProcessIdentity) => void
}

export interface Moved {
  readonly doneBytes: number
  readonly totalBytes: number | null
  readonly doneFiles: number | null
  readonly totalFiles: number | null
}

export interface NewPointOptions extends RepositoryCall {
  readonly environmentId: EnvironmentId
  /** `word` or `key=value`, among them `operation=op-…`: by that one a point that a dead daemon made is found again. */
  readonly tags: readonly string[]
  /** The size of the home's disk: it bounds how long the backup may take, whatever the files in it claim to hold. */
  readonly homeBytes: number
  readonly onProgress: (moved: Moved) => void
}

/** A point as the repository has it. */
export interface RepositoryPoint {
  readonly id: RecoveryPointId
  readonly takenAt: number
  /** As recorded in it: anybody's text. */
  readonly environment: string
  /** Empty where it is of more than one. */
  readonly path: string
  readonly tags: readonly string[]
}

export interface MadePoint extends RepositoryPoint {
  readonly addedBytes: number
  readonly durationMs: number
  /** Files that could not be read and are not in it; at least 1 where it is incomplete in whatever way. */
  readonly unreadableCount: number
}

/** What a restore of a point makes. */
export interface PointSize {
  readonly bytes: number
  /** Files, folders and everything else. */
  readonly entries: number
}

export interface FillOptions extends RepositoryCall {
  readonly point: RecoveryPointId
  /** What the point holds, from the record: progress is told of it. */
  readonly size: PointSize
  /** Only these paths of the point, each a file or a whole folder; everything where there are none. */
  readonly paths?: readonly string[]
  readonly onProgress: (moved: Moved) => void
}

/**
 * The recovery points of one environment (or, where a host's repository is shared, of several). Every failure is a
 * `PilothouseError` with one of the repository's codes, `no_recovery_point`, `storage_failed`, `deadline_exceeded` or
 * `engine_failed`. Nothing retries; the caller does. A call that was cut off leaves a repository that is sound, and at
 * most a lock, which `clearDeadLocks` removes by rule. Calls that need the repository for themselves are answered
 * `repository_locked` while others use it.
 */
export interface PointRepository {
  readonly location: RepositoryLocation
  /** Makes it where it is absent, and opens it with the password. */
  prepare(call: RepositoryCall): Promise<void>
  /** Removes the locks of dead owners, and only them; how many. */
  clearDeadLocks(call: RepositoryCall): Promise<number>
  /**
   * Makes a point of the tree. Aborted, it rejects with the signal's reason, and a point may have been made all the
   * same.
   */
  backUp(tree: HomeTree, options: NewPointOptions): Promise<MadePoint>
  /** Everything in it of that environment, oldest first. Asks; never answers from memory. */
  list(call: RepositoryCall & { readonly environmentId: EnvironmentId }): Promise<readonly RepositoryPoint[]>
  /** Tells everything in a point, parents before children, in bounded memory; how many entries. */
  listEntries(
    call: RepositoryCall & {
      readonly point: RecoveryPointId
      readonly onEntry: (entry: PointEntry) => Promise<void> | void
    },
  ): Promise<number>
  sizeOf(call: RepositoryCall & { readonly point: RecoveryPointId }): Promise<PointSize>
  /**
   * Restores into an empty tree. It says that it is done, not that everything arrived: the caller counts. Nothing is
   * ever written outside the tree, whatever is in the point.
   */
  fill(tree: HomeTree, options: FillOptions): Promise<void>
  /**
   * Forgets these points and no others, alone with the repository. Resolves once none of them is there, whoever forgot
   * them. What only they needed stays until the next prune.
   */
  forget(call: RepositoryCall & { readonly points: readonly RecoveryPointId[] }): Promise<void>
  /** Forgets the points of that environment that no rule keeps, and removes what only they needed. */
  prune(
    call: RepositoryCall & { readonly environmentId: EnvironmentId; readonly keep: Retention },
  ): Promise<{ readonly kept: readonly RecoveryPointId[]; readonly forgotten: readonly RecoveryPointId[] }>
  /** Damage is an answer, not a failure. */
  check(
    call: RepositoryCall & { readonly depth: CheckDepth },
  ): Promise<{ readonly isSound: boolean; readonly findings: readonly string[] }>
}

/** Every environment's repository on this host. */
export interface Repositories {
  /** Where they are; carries no password. */
  readonly base: RepositoryLocation
  /** On this host's own disks. */
  readonly isOnThisHost: boolean
  /** Pure: nothing is asked or made. */
  of(environmentId: EnvironmentId): PointRepository
  /** The one at a recorded place, for points that were made before the base was changed. */
  at(location: string): PointRepository
}
