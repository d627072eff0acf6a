import type { BackupStatus, NewestPoint } from '../../src-shared/model/backup.ts'
import type { EnvironmentId } from '../../src-shared/model/ids.ts'
import type { CheckDepth } from '../../src-shared/model/operation-result.ts'
import type { BackupState } from '../store/backup-states-table.ts'
import type { RecoverySettings } from './recovery-toolkit.ts'
import { afterSuccess, firstAt, isDueAgain, notTooFar, spacingMs, type BackupTimes } from './schedule.ts'

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

/** Something that is to be done by itself, since `dueAt`. */
export type DueWork = { readonly id: EnvironmentId; readonly dueAt: number } & (
  | { readonly kind: 'backup' }
  | { readonly kind: 'prune' }
  | { readonly kind: 'check'; readonly depth: CheckDepth }
  | { readonly kind: 'drill'; readonly newest: NewestPoint }
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

/** When the next drill of the newest point is due, as `nextBackupAt`; null also while there is no point. */
export function nextDrillAt({ status, state }: Subject, now: number): number | null {
  const { environmentId: id, policy, latest, freshness, lastDrill } = status
  if (policy.drillIntervalHours === null || latest === null || freshness.kind === 'not_provisioned') return null
  const times = { id, intervalMs: policy.drillIntervalHours * HOUR_MS }
  if (state.nextDrillAt !== null) return notTooFar(times, state.nextDrillAt, now)
  return lastDrill === null ? firstAt(times, now) : notTooFar(times, afterSuccess(times, lastDrill.at), now)
}

/** What is due of the environment now, at most one of each kind. */
export function dueOf(subject: Subject, settings: RecoverySettings, now: number): DueWork[] {
  return [
    ...dueBackup(subject, now),
    ...dueCheck(subject, settings, now),
    ...duePrune(subject, settings, now),
    ...dueDrill(subject, now),
  ]
}

/**
 * What is longest due first. Among drills the turns go to points that were never drilled, the oldest of them first, and
 * to the others after them.
 */
export function inTurn(due: readonly DueWork[], isDrilled: (point: NewestPoint) => boolean): DueWork[] {
  const drills = due.flatMap((work) => (work.kind === 'drill' ? [{ work, rank: isDrilled(work.newest) ? 1 : 0 }] : []))
  drills.sort((one, other) => one.rank - other.rank || one.work.newest.takenAt - other.work.newest.takenAt)
  const turns = [...due].sort((one, other) => one.dueAt - other.dueAt)
  return turns.map((work) => (work.kind === 'drill' ? (drills.shift()?.work ?? work) : work))
}

function dueBackup(subject: Subject, now: number): DueWork[] {
  const at = nextBackupAt(subject, now)
  return at === null || at > now ? [] : [{ kind: 'backup', id: subject.status.environmentId, dueAt: at }]
}

function dueDrill(subject: Subject, now: number): DueWork[] {
  const { environmentId: id, latest } = subject.status
  const at = nextDrillAt(subject, now)
  return at === null || at > now || latest === null ? [] : [{ kind: 'drill', id, dueAt: at, newest: latest }]
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
