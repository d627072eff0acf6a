import type { BackupStatus } from '../../src-shared/model/backup.ts'
import type { EnvironmentId } from '../../src-shared/model/ids.ts'
import type { CheckDepth } from '../../src-shared/model/operation-result.ts'
import type { BackupState } from '../store/backup-states-table.ts'
import type { RecoverySettings } from './recovery-toolkit.ts'
import { afterSuccess, firstAt, isDueAgain, notTooFar, spacingMs, type BackupTimes } from './schedule.ts'

const MINUTE_MS = 60_000

/** Something that is to be done by itself, since `dueAt`. */
export type DueWork = { readonly id: EnvironmentId; readonly dueAt: number } & (
  { readonly kind: 'backup' } | { readonly kind: 'prune' } | { readonly kind: 'check'; readonly depth: CheckDepth }
)

export interface Subject {
  readonly status: BackupStatus
  readonly state: BackupState
}

/**
 * When the next backup is due: as recorded, but never further ahead than one spacing, so that a clock that was set back
 * keeps none waiting. Null where none is scheduled, or there is nothing to back up yet.
 */
export function nextBackupAt({ status, state }: Subject, now: number): number | null {
  const { environmentId: id, policy, latest, freshness } = status
  if (policy.intervalMinutes === null || freshness.kind === 'not_provisioned') return null
  const times = { id, intervalMs: policy.intervalMinutes * MINUTE_MS }
  if (state.nextAt !== null) return notTooFar(times, state.nextAt, now)
  return latest === null ? firstAt(times, now) : notTooFar(times, afterSuccess(times, latest.takenAt), now)
}

/** What is due of the environment now, at most one of each kind. */
export function dueOf(subject: Subject, settings: RecoverySettings, now: number): DueWork[] {
  return [...dueBackup(subject, now), ...dueCheck(subject, settings, now), ...duePrune(subject, settings, now)]
}

function dueBackup(subject: Subject, now: number): DueWork[] {
  const at = nextBackupAt(subject, now)
  return at === null || at > now ? [] : [{ kind: 'backup', id: subject.status.environmentId, dueAt: at }]
}

/** By parts, until all has been read once; after damage was found, everything. */
function dueCheck(
  { status, state }: Subject,
  { checkIntervalMs, checkParts }: RecoverySettings,
  now: number,
): DueWork[] {
  if (checkIntervalMs === null || status.latest === null) return []
  const times = { id: status.environmentId, intervalMs: checkIntervalMs }
  const dueAt = dueSince(times, state.check?.at ?? null, { first: status.latest.takenAt, now })
  if (dueAt === null) return []
  const part = { part: (state.checkPart % checkParts) + 1, of: checkParts }
  return [{ kind: 'check', id: status.environmentId, dueAt, depth: state.check?.isSound === false ? 'all' : part }]
}

function duePrune({ status, state }: Subject, { pruneIntervalMs }: RecoverySettings, now: number): DueWork[] {
  if (pruneIntervalMs === null || status.latest === null) return []
  const times = { id: status.environmentId, intervalMs: pruneIntervalMs }
  const dueAt = dueSince(times, state.prunedAt, { first: status.latest.takenAt, now })
  return dueAt === null ? [] : [{ kind: 'prune', id: status.environmentId, dueAt }]
}

/** Null where it is not due. What was never done is due at once, once there is a point. */
function dueSince(
  times: BackupTimes,
  doneAt: number | null,
  { first, now }: { readonly first: number; readonly now: number },
): number | null {
  if (doneAt === null) return Math.min(first, now)
  return isDueAgain(times, doneAt, now) ? Math.min(now, doneAt + spacingMs(times.id, times.intervalMs)) : null
}
