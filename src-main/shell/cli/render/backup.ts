import { bytesText } from '../../../../src-shared/lib/bytes-text.ts'
import type { CallOutput } from '../../../../src-shared/contract/call-names.ts'
import type { DaemonContract } from '../../../../src-shared/contract/daemon.ts'
import {
  FRESHNESS_RISK,
  spanOf,
  type BackupPolicy,
  type BackupStatus,
  type Freshness,
} from '../../../../src-shared/model/backup.ts'
import { shortPointId } from './recovery-point.ts'
import { facts, localTime, table } from './text.ts'

type StatusAnswer = CallOutput<DaemonContract, 'backups.status'>

export const FRESHNESS_WORDS: Readonly<Record<Freshness['kind'], string>> = {
  healthy: 'healthy',
  stale: 'stale',
  missing: 'missing',
  unavailable: 'unavailable',
  not_provisioned: 'no home yet',
}

/** What needs someone first; within one class, whose newest point is oldest. */
export function byRisk(rows: readonly BackupStatus[]): BackupStatus[] {
  const takenAt = ({ latest }: BackupStatus) => latest?.takenAt ?? 0
  return [...rows].sort(
    (a, b) =>
      FRESHNESS_RISK[a.freshness.kind] - FRESHNESS_RISK[b.freshness.kind] ||
      takenAt(a) - takenAt(b) ||
      a.environmentName.localeCompare(b.environmentName),
  )
}

export function backupTable({ at, hostName, base, isOnThisHost, rows }: StatusAnswer): string {
  const heading = facts([
    ['host', `${hostName}, ${localTime(at)}`],
    ['repositories', base],
    ['', isOnThisHost ? "They are on this host's own disks: lost with it." : null],
  ])
  const lines = byRisk(rows).map((row) => [
    row.environmentName,
    row.owner,
    FRESHNESS_WORDS[row.freshness.kind],
    row.latest === null ? 'none' : localTime(row.latest.takenAt),
    String(row.pointCount),
    row.lastVerifiedAt === null ? 'never' : localTime(row.lastVerifiedAt),
    drillWords(row),
    saysOf(row),
  ])
  const columns = ['ENVIRONMENT', 'OWNER', 'BACKUP', 'NEWEST', 'POINTS', 'VERIFIED', 'DRILLED', 'SAYS']
  return [heading, '', lines.length === 0 ? 'There is no environment.' : table(columns, lines)].join('\n')
}

function drillWords({ lastDrill }: BackupStatus): string {
  return lastDrill === null ? 'never' : `${lastDrill.isPassed ? 'passed' : 'failed'} ${localTime(lastDrill.at)}`
}

function saysOf({ freshness, lastAttempt, lastCheck, lastDrill }: BackupStatus): string {
  const more = [
    lastAttempt?.failure?.message,
    lastCheck?.isSound === false ? `The last check found: ${lastCheck.detail}` : undefined,
    lastDrill?.isPassed === false ? `The last drill failed: ${lastDrill.detail}` : undefined,
  ]
  return [freshness.sentence, ...more.filter((part) => part !== undefined)].join(' ')
}

/** All of one environment. */
export function backupFacts(status: BackupStatus): string {
  const { freshness, latest, lastAttempt, lastCheck, lastDrill, undo } = status
  return facts([
    ['environment', `${status.environmentName} (${status.environmentId}), of ${status.owner}`],
    ['backup', FRESHNESS_WORDS[freshness.kind]],
    ['', freshness.sentence],
    ['newest', latest === null ? 'none' : `${shortPointId(latest.id)}, ${localTime(latest.takenAt)}`],
    [
      '',
      latest === null
        ? null
        : `${bytesText(latest.bytes)} in ${latest.entries} files and folders, made on ${latest.hostName}`,
    ],
    ['points', String(status.pointCount)],
    ['repository', status.repository],
    ['next', status.nextAt === null ? 'none is scheduled' : localTime(status.nextAt)],
    ['last run', lastAttempt && `${lastAttempt.outcome} ${localTime(lastAttempt.at)} (${lastAttempt.operationId})`],
    ['', lastAttempt?.failure ? `${lastAttempt.failure.message} (${lastAttempt.failure.code})` : null],
    ['checked', lastCheck && `${lastCheck.isSound ? 'sound' : 'NOT sound'} ${localTime(lastCheck.at)}`],
    ['', lastCheck && lastCheck.detail],
    ['verified', status.lastVerifiedAt === null ? 'never' : localTime(status.lastVerifiedAt)],
    ['drilled', drillWords(status)],
    ['', lastDrill && lastDrill.detail],
    ...policyFacts(status),
    ['undo', undo && `until ${localTime(undo.until)}, of the restore of ${localTime(undo.restoredAt)}`],
    ['', undo && undoNext(status, undo.bytes)],
    ['', undo && `To give it up and have its space: pilothouse restore drop ${status.environmentName} --plan`],
    ...status.keptForReview.flatMap((kept) => reviewFacts(status, kept)),
    ['seen', localTime(status.observedAt)],
  ])
}

function undoNext({ environmentName }: BackupStatus, bytes: number | null): string {
  const cost = bytes === null ? '' : `It takes ${bytesText(bytes)} on the host. `
  return `${cost}To go back: pilothouse restore undo ${environmentName} --plan`
}

function reviewFacts(
  { environmentName }: BackupStatus,
  { homeId, keptAt, bytes }: BackupStatus['keptForReview'][number],
): [string, string][] {
  const cost = bytes === null ? '' : `, taking ${bytesText(bytes)} on the host`
  return [
    ['for review', `${homeId}, set aside ${localTime(keptAt)}${cost}`],
    ['', `To give it up: pilothouse restore drop ${environmentName} --home ${homeId} --plan`],
  ]
}

function policyFacts({ policy, hasOwnPolicy, freshness, nextDrillAt }: BackupStatus): [string, string | null][] {
  const { intervalMinutes, drillIntervalHours } = policy
  return [
    ['policy', hasOwnPolicy ? 'its own' : "the host's"],
    ['every', intervalMinutes === null ? 'not scheduled' : spanOf(intervalMinutes * 60_000)],
    ['keeps', retentionWords(policy)],
    ['stale after', spanOf(freshness.thresholdMs)],
    ['drills', drillIntervalHours === null ? 'not scheduled' : `every ${spanOf(drillIntervalHours * 3_600_000)}`],
    ['', nextDrillAt === null ? null : `next ${localTime(nextDrillAt)}`],
  ]
}

function retentionWords({ keep }: BackupPolicy): string {
  const rules = Object.entries(keep).filter((rule): rule is [string, number] => rule[1] !== undefined)
  return rules.map(([rule, count]) => `${count} ${rule}`).join(', ')
}
