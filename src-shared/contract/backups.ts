import { z } from 'zod'
import { adoptedPointsSchema, orphanedPointsSchema } from '../model/adopted-points.ts'
import { backupPolicySchema, backupStatusSchema } from '../model/backup.ts'
import { environmentIdSchema, recoveryPointIdSchema, recoveryPointRefSchema } from '../model/ids.ts'
import { checkDepthSchema } from '../model/operation-result.ts'
import { operationSchema } from '../model/operation.ts'
import {
  changeCountsSchema,
  pointChangeSchema,
  pointEntrySchema,
  recoveryPointSchema,
} from '../model/recovery-point.ts'
import { timestampSchema } from '../model/time.ts'
import { call } from './call.ts'
import { COMMAND_ERRORS, command, target } from './environments.ts'

/** What any call that reaches a repository may answer. */
export const REPOSITORY_ERRORS = [
  'repository_missing',
  'repository_locked',
  'repository_unreachable',
  'repository_damaged',
  'wrong_password',
  'engine_failed',
] as const

/** A point of this environment, as people name it. */
export const pointed = { ...target, point: recoveryPointRefSchema }

/** One sentence where `latest` is not the newest point: which one was passed over, and why. */
const noted = { note: z.string().optional() }

/** Entries a page. */
const page = { limit: z.int().min(1).max(1000).default(200), after: z.string().max(8192).optional() }

/** Backups: what is protected, and the commands that keep it so. */
export const backups = {
  status: call({
    summary: "How well every environment is protected, from the daemon's own record; no repository is asked.",
    role: 'viewer',
    effect: 'read',
    input: z.object({ environment: target.environment.optional() }).default({}),
    output: z.object({
      at: timestampSchema,
      hostName: z.string(),
      /** Where the host's repositories are; carries no password. */
      base: z.string(),
      /** They are on this host's own disks: lost with it. */
      isOnThisHost: z.boolean(),
      rows: z.array(backupStatusSchema),
    }),
  }),
  points: call({
    summary: 'The recovery points of an environment, newest first; of a destroyed one by its id.',
    role: 'viewer',
    effect: 'read',
    input: z.object({
      ...target,
      /** Also those that are no longer in the repository. */
      isForgottenIncluded: z.boolean().default(false),
      limit: z.int().min(1).max(1000).default(200),
      /** Only points that were taken before this time. */
      before: timestampSchema.optional(),
    }),
    output: z.array(recoveryPointSchema),
  }),
  orphaned: call({
    summary: 'The points on record whose environment is destroyed or not known here, by environment, newest first.',
    role: 'viewer',
    effect: 'read',
    input: z.object({}).default({}),
    output: z.object({
      environments: z.array(orphanedPointsSchema),
      /**
       * Repositories below the base whose environment is not known here, and of which no point is on record; null where
       * that cannot be told: the base is not on this host's own disks, or all environments share one repository.
       */
      unrecorded: z.array(environmentIdSchema).nullable(),
    }),
  }),
  adopt: call({
    summary:
      'Take the points of an environment on record from its repository below the base, whoever made them: after the host or its database was lost.',
    role: 'admin',
    effect: 'write',
    input: z.object({ environment: environmentIdSchema }),
    output: adoptedPointsSchema,
    errors: REPOSITORY_ERRORS,
    deadlineMs: 300_000,
  }),
  now: call({
    summary: 'Back the home up now; answers with the operation at once.',
    role: 'operator',
    effect: 'write',
    input: z.object({ ...command, ...target }),
    output: operationSchema,
    errors: [...COMMAND_ERRORS, 'home_gone', 'wrong_state'],
  }),
  check: call({
    summary: 'Check the repository of an environment, reading as much of its data as is asked for.',
    role: 'operator',
    effect: 'write',
    input: z.object({ ...command, ...target, depth: checkDepthSchema.default('structure') }),
    output: operationSchema,
    errors: COMMAND_ERRORS,
  }),
  prune: call({
    summary: 'Apply retention now: forget the points that no rule keeps, and free their space.',
    role: 'admin',
    effect: 'write',
    input: z.object({ ...command, ...target }),
    output: operationSchema,
    errors: COMMAND_ERRORS,
  }),
  setPolicy: call({
    summary: "Give an environment a backup policy of its own, or with null the host's again.",
    role: 'admin',
    effect: 'write',
    input: z.object({ ...target, policy: backupPolicySchema.nullable() }),
    output: backupStatusSchema,
    errors: ['environment_quarantined'],
  }),
  browse: call({
    summary:
      "What is in a folder of a recovery point, from the listing that was kept with it or else the repository's.",
    role: 'operator',
    effect: 'read',
    input: z.object({ ...pointed, folder: z.string().max(8192).default('/'), ...page }),
    output: z.object({
      pointId: recoveryPointIdSchema,
      ...noted,
      entries: z.array(pointEntrySchema),
      /** Give it as `after` to go on; null at the end. */
      next: z.string().nullable(),
    }),
    errors: ['no_recovery_point', 'point_foreign', ...REPOSITORY_ERRORS],
    deadlineMs: 120_000,
  }),
  compare: call({
    summary: 'What changed from one recovery point of an environment to another.',
    role: 'operator',
    effect: 'read',
    input: z.object({ ...target, from: recoveryPointRefSchema, to: recoveryPointRefSchema, ...page }),
    output: z.object({
      from: recoveryPointIdSchema,
      to: recoveryPointIdSchema,
      ...noted,
      counts: changeCountsSchema,
      changes: z.array(pointChangeSchema),
      next: z.string().nullable(),
    }),
    errors: ['no_recovery_point', 'point_foreign', ...REPOSITORY_ERRORS],
    deadlineMs: 120_000,
  }),
}
