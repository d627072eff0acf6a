import { z } from 'zod'
import { failureSchema } from '../error.ts'
import { wordsSchema } from '../lib/foreign-words.ts'
import { environmentIdSchema, environmentNameSchema, homeIdSchema, operationIdSchema, ownerNameSchema } from './ids.ts'
import { recoveryPointSchema } from './recovery-point.ts'
import { timestampSchema } from './time.ts'

const MINUTE_MS = 60_000

/**
 * What is told of every environment to everybody who looks: characters of why its points cannot be relied on, which is
 * a failure's message and when it was, and of what a check or a drill found.
 */
export const PROBLEM_MOST = 2_500
export const FINDING_MOST = 1_000

const kept = z.int().min(1).max(10_000).optional()
/** Which points stay: those that any of the rules keeps. At least one rule. */
export const retentionSchema = z
  .object({ last: kept, hourly: kept, daily: kept, weekly: kept, monthly: kept, yearly: kept })
  .refine((rules) => Object.values(rules).some((count) => count !== undefined), {
    error: 'keep: must have at least one rule; without any, every point would be forgotten',
  })
export type Retention = z.infer<typeof retentionSchema>

export const backupPolicySchema = z.object({
  /** From one scheduled backup to the next; null: none is scheduled. */
  intervalMinutes: z.int().min(5).max(44_640).nullable(),
  keep: retentionSchema,
  /** Older than this is stale; null: derived from the interval. */
  freshnessMinutes: z.int().min(1).max(525_600).nullable(),
  /** From one scheduled drill of the newest point to the next; null: none is scheduled. */
  drillIntervalHours: z.int().min(1).max(8_760).nullable(),
})
export type BackupPolicy = z.infer<typeof backupPolicySchema>

/** What age of the newest point is still healthy: what was set, else the interval and max(15 min, 25 %), else a day. */
export function thresholdMsOf({ intervalMinutes, freshnessMinutes }: BackupPolicy): number {
  if (freshnessMinutes !== null) return freshnessMinutes * MINUTE_MS
  if (intervalMinutes === null) return 24 * 60 * MINUTE_MS
  return (intervalMinutes + Math.max(15, intervalMinutes / 4)) * MINUTE_MS
}

export const FRESHNESS_KINDS = ['healthy', 'stale', 'missing', 'unavailable', 'not_provisioned'] as const
export const freshnessSchema = z.object({
  kind: z.enum(FRESHNESS_KINDS),
  /** One sentence, the same on screen and in the CLI. */
  sentence: wordsSchema(PROBLEM_MOST),
  /** Age of the newest point that is still healthy. */
  thresholdMs: z.int().min(0),
})
export type Freshness = z.infer<typeof freshnessSchema>

/** As much of the newest point as is told with how well its environment is protected. */
export const newestPointSchema = recoveryPointSchema.pick({
  id: true,
  takenAt: true,
  hostName: true,
  bytes: true,
  entries: true,
})
export type NewestPoint = z.infer<typeof newestPointSchema>

/** How well one environment is protected, from the daemon's own record. */
export const backupStatusSchema = z.object({
  environmentId: environmentIdSchema,
  environmentName: environmentNameSchema,
  owner: ownerNameSchema,
  freshness: freshnessSchema,
  policy: backupPolicySchema,
  /** The policy is the environment's own; else it is the host's. */
  hasOwnPolicy: z.boolean(),
  /** When the next scheduled backup is due; null where none is. */
  nextAt: timestampSchema.nullable(),
  /** When the next scheduled drill of the newest point is due; null where none is. */
  nextDrillAt: timestampSchema.nullable(),
  latest: newestPointSchema.nullable(),
  pointCount: z.int().min(0),
  /** Where its points are; carries no password. */
  repository: z.string(),
  lastAttempt: z
    .object({
      at: timestampSchema,
      operationId: operationIdSchema,
      outcome: z.enum(['running', 'succeeded', 'failed', 'cancelled']),
      failure: failureSchema.nullable(),
    })
    .nullable(),
  lastCheck: z.object({ at: timestampSchema, isSound: z.boolean(), detail: wordsSchema(FINDING_MOST) }).nullable(),
  lastVerifiedAt: timestampSchema.nullable(),
  lastDrill: z.object({ at: timestampSchema, isPassed: z.boolean(), detail: wordsSchema(FINDING_MOST) }).nullable(),
  /** The home that a restore replaced, while it can still be brought back. */
  undo: z
    .object({
      homeId: homeIdSchema,
      until: timestampSchema,
      bytes: z.int().min(0).nullable(),
      restoredAt: timestampSchema,
    })
    .nullable(),
  /** Homes that are kept until somebody gives them up: going back failed around them, or what replaced them never proved itself. */
  keptForReview: z.array(z.object({ homeId: homeIdSchema, keptAt: timestampSchema, bytes: z.int().min(0).nullable() })),
  /** When the record was read, on the host's clock. */
  observedAt: timestampSchema,
})
export type BackupStatus = z.infer<typeof backupStatusSchema>

/** The order of the recovery screen: what needs someone first. */
export const FRESHNESS_RISK: Readonly<Record<Freshness['kind'], number>> = {
  unavailable: 0,
  missing: 1,
  stale: 2,
  not_provisioned: 3,
  healthy: 4,
}

/** What freshness is judged by. */
export interface FreshnessFacts {
  /** The environment has a home. */
  readonly isProvisioned: boolean
  readonly latestTakenAt: number | null
  /** Why points could not be read or made since, as one sentence; null where nothing is known to be wrong. */
  readonly problem: string | null
  readonly thresholdMs: number
}

/** A time further ahead of the host's clock than this is no time to go by. */
export const CLOCK_TOLERANCE_MS = 5 * MINUTE_MS

/** Pure: what "could not verify" amounts to is never "fine". */
export function freshnessOf(facts: FreshnessFacts, nowMs: number): Freshness {
  const { isProvisioned, latestTakenAt, problem, thresholdMs } = facts
  const as = (kind: Freshness['kind'], sentence: string): Freshness => ({ kind, sentence, thresholdMs })
  if (!isProvisioned) return as('not_provisioned', 'It has no home yet, so there is nothing to back up.')
  if (problem !== null) return as('unavailable', problem)
  if (latestTakenAt === null) return as('missing', 'There is no recovery point yet.')
  const ageMs = nowMs - latestTakenAt
  if (ageMs < -CLOCK_TOLERANCE_MS)
    return as('unavailable', `The newest point's time is ${spanOf(-ageMs)} ahead of the host's clock.`)
  const limit = `older than ${spanOf(thresholdMs)} is stale`
  const age = spanOf(Math.max(0, ageMs))
  if (ageMs > thresholdMs) return as('stale', `The newest point is ${age} old; ${limit}.`)
  return as('healthy', `The newest point is ${age} old; ${limit}.`)
}

/** A length of time in its two largest units, such as `1 h 15 min`. */
export function spanOf(ms: number): string {
  const minutes = Math.floor(ms / MINUTE_MS)
  if (minutes < 1) return 'less than a minute'
  const units = [
    [Math.floor(minutes / 1440), 'd'],
    [Math.floor(minutes / 60) % 24, 'h'],
    [minutes % 60, 'min'],
  ] as const
  const told = units.slice(units.findIndex(([count]) => count > 0)).slice(0, 2)
  return told
    .filter(([count]) => count > 0)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ')
}
