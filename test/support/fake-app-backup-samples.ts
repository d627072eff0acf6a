import { PilothouseError } from '../../src-shared/error.ts'
import { backupStatusSchema, freshnessOf, thresholdMsOf, type BackupStatus } from '../../src-shared/model/backup.ts'
import type { Environment } from '../../src-shared/model/environment.ts'
import { recoveryPointSchema, type RecoveryPoint } from '../../src-shared/model/recovery-point.ts'

/** Made-up recovery points and how well sample environments are protected, the same ones every time. */

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, '0')

export const SAMPLE_POLICY: BackupStatus['policy'] = {
  intervalMinutes: 60,
  keep: { hourly: 24, daily: 7, weekly: 4 },
  freshnessMinutes: null,
  drillIntervalHours: 168,
}

export function samplePoint(index: number, environment: Environment, change: Partial<RecoveryPoint> = {}) {
  const id = hex((index + 1) * 2_654_435_761, 12)
    .slice(-12)
    .repeat(6)
    .slice(0, 64)
  return {
    ...recoveryPointSchema.parse({
      id,
      environmentId: environment.id,
      homeId: environment.home.id,
      homeMiB: 8192,
      image: environment.image,
      takenAt: environment.observedAt - (38 + index * 60) * MINUTE,
      hostName: 'lon-1.example.net',
      bytes: 1_395_864_371 - (index % 60) * 4_194_304,
      entries: 48_211 - (index % 60) * 120,
      addedBytes: index % 5 === 4 ? 812_000_000 : 12_582_912 + index * 65_536,
      durationMs: 4200 + index * 300,
      consistency: index % 4 === 3 ? 'journal_replayed' : 'quiesced',
      unreadableCount: index === 6 ? 3 : 0,
      tags: index === 2 ? ['manual', 'before-upgrade'] : [],
      operationId: null,
      hasListing: index % 7 !== 5,
      verifiedAt: index % 6 === 1 ? environment.observedAt - index * 50 * MINUTE : null,
      drilledAt: index === 3 || index === 9 ? environment.observedAt - index * 40 * MINUTE : null,
      hasPassedDrill: index === 3 ? true : index === 9 ? false : null,
      forgottenAt: null,
    }),
    ...change,
  }
}

type SampleKind = 'healthy' | 'stale' | 'missing' | 'unavailable' | 'not_provisioned' | 'ahead'
const KINDS: Readonly<Record<number, SampleKind>> = {
  2: 'stale',
  5: 'missing',
  7: 'unavailable',
  10: 'not_provisioned',
  13: 'stale',
  17: 'ahead',
}

const AGES: Record<SampleKind, number> = {
  healthy: 0,
  stale: 31 * HOUR,
  missing: 0,
  unavailable: 9 * HOUR,
  not_provisioned: 0,
  ahead: -2 * HOUR,
}
const PROBLEM = 'The repository could not be reached at 09:41: backup.example.net did not answer on port 22.'

function latestFor(kind: SampleKind, index: number, environment: Environment): RecoveryPoint | null {
  if (kind === 'missing' || kind === 'not_provisioned') return null
  const takenAt = environment.observedAt - AGES[kind] - (6 + ((index * 7) % 60)) * MINUTE
  return samplePoint(index, environment, { takenAt: kind === 'ahead' ? environment.observedAt + 2 * HOUR : takenAt })
}

function attemptFor(kind: SampleKind, at: number): BackupStatus['lastAttempt'] {
  const operationId = 'op-00000000000000b1' as never
  if (kind !== 'unavailable' && kind !== 'missing') return { at, operationId, outcome: 'succeeded', failure: null }
  const failure = new PilothouseError('repository_unreachable', PROBLEM, {
    requestId: 'req-00000000000000ab',
  }).toFailure()
  return { at, operationId, outcome: 'failed', failure }
}

/** How well one sample environment is protected, as its host would say it at `environment.observedAt`. */
export function sampleBackup(
  index: number,
  environment: Environment,
  change: Partial<BackupStatus> = {},
): BackupStatus {
  const kind = KINDS[index % 19] ?? 'healthy'
  const { observedAt } = environment
  const latest = latestFor(kind, index, environment)
  const thresholdMs = thresholdMsOf(SAMPLE_POLICY)
  const facts = {
    isProvisioned: kind !== 'not_provisioned',
    latestTakenAt: latest?.takenAt ?? null,
    problem: kind === 'unavailable' ? PROBLEM : null,
    thresholdMs,
  }
  return {
    ...backupStatusSchema.parse({
      environmentId: environment.id,
      environmentName: environment.name,
      owner: environment.owner,
      freshness: freshnessOf(facts, observedAt),
      policy: SAMPLE_POLICY,
      hasOwnPolicy: index % 6 === 0,
      nextAt: observedAt + 22 * MINUTE,
      nextDrillAt: null,
      latest,
      pointCount: latest === null ? 0 : 41,
      repository: `sftp:backup@backup.example.net:/srv/restic/${environment.id}`,
      lastAttempt: attemptFor(kind, latest?.takenAt ?? observedAt - 20 * MINUTE),
      lastCheck: { at: observedAt - 26 * HOUR, isSound: true, detail: 'Its structure and part 3 of 7 of its data.' },
      lastVerifiedAt: latest === null ? null : observedAt - 20 * HOUR,
      lastDrill:
        latest === null || index % 3 === 1
          ? null
          : { at: observedAt - 74 * HOUR, isPassed: index % 19 !== 13, detail: '' },
      undo: null,
      keptForReview: [],
      observedAt,
    }),
    ...change,
  }
}
