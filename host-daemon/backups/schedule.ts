import type { EnvironmentId } from '../../src-shared/model/ids.ts'

const MINUTE_MS = 60_000
const FIRST_RETRY_MS = 5 * MINUTE_MS
/** A backup that gave way, or that was cancelled, is made up for this much later. */
const AFTER_CANCEL_MS = 5 * MINUTE_MS
const AFTER_NO_VERDICT_MS = 60 * MINUTE_MS
/** A first backup is not put off longer than this. */
const FIRST_WITHIN_MS = 5 * MINUTE_MS
const JITTER = 0.1
/** A time further ahead than this is of another clock. */
const TOLERANCE_MS = 5 * MINUTE_MS

/** In [0, 1), and always the same for an environment, so that those made together do not stay together. */
export function fractionOf(id: EnvironmentId): number {
  const digits = Number.parseInt(id.slice(-8), 16)
  // Ids may be given in a row: neighbours are to lie far apart.
  return (Math.imul(digits, 0x9e37_79b1) >>> 0) / 2 ** 32
}

/** From one to the next: the interval, and up to a tenth of it more. */
export function spacingMs(id: EnvironmentId, intervalMs: number): number {
  return Math.round(intervalMs * (1 + JITTER * fractionOf(id)))
}

export interface BackupTimes {
  readonly id: EnvironmentId
  readonly intervalMs: number
}

/** The first one of an environment that has none and never tried. */
export function firstAt({ id, intervalMs }: BackupTimes, now: number): number {
  return now + Math.round(fractionOf(id) * Math.min(JITTER * intervalMs, FIRST_WITHIN_MS))
}

/** After one that began at `startedAt` and went well. */
export function afterSuccess({ id, intervalMs }: BackupTimes, startedAt: number): number {
  return startedAt + spacingMs(id, intervalMs)
}

/** After the `failures`-th failure in a row: 5 min, and twice as long each time, up to the interval. */
export function afterFailure({ intervalMs }: BackupTimes, failures: number, now: number): number {
  const doublings = Math.min(Math.max(0, failures - 1), 30)
  return now + Math.min(intervalMs, FIRST_RETRY_MS * 2 ** doublings)
}

export function afterCancel({ intervalMs }: BackupTimes, now: number): number {
  return now + Math.min(intervalMs, AFTER_CANCEL_MS)
}

/** After a drill that told nothing of its point, or that was not even accepted. */
export function afterNoVerdict({ intervalMs }: BackupTimes, now: number): number {
  return now + Math.min(intervalMs, AFTER_NO_VERDICT_MS)
}

/** Never further ahead than one whole spacing, whatever the clock said when it was decided. */
export function notTooFar(times: BackupTimes, at: number, now: number): number {
  return Math.min(at, now + spacingMs(times.id, times.intervalMs))
}

/** Whether what was last done at `doneAt` is due again; a time of another clock counts as long ago. */
export function isDueAgain(times: BackupTimes, doneAt: number, now: number): boolean {
  const agoMs = now - doneAt
  return agoMs >= spacingMs(times.id, times.intervalMs) || agoMs < -TOLERANCE_MS
}
