import { spanOf, thresholdMsOf, type BackupPolicy } from '../../src-shared/model/backup.ts'

const MINUTE_MS = 60_000

/** `every hour`, `every 6 h`, or that none is scheduled. */
export function scheduleText({ intervalMinutes }: BackupPolicy): string {
  return intervalMinutes === null ? 'no schedule; only when asked' : `every ${spanOf(intervalMinutes * MINUTE_MS)}`
}

/** `24 hourly, 7 daily`. */
export function keepText({ keep }: BackupPolicy): string {
  return Object.entries(keep)
    .map(([rule, count]) => `${count} ${rule}`)
    .join(', ')
}

/** What age is stale, and whether someone set it. */
export function staleText(policy: BackupPolicy): string {
  const set = policy.freshnessMinutes === null ? '' : ' (set)'
  return `older than ${spanOf(thresholdMsOf(policy))}${set}`
}

export function drillText({ drillIntervalHours }: BackupPolicy): string {
  return drillIntervalHours === null ? 'no schedule' : `every ${spanOf(drillIntervalHours * 60 * MINUTE_MS)}`
}
