import { z } from 'zod'
import { environmentSizeSchema } from '../model/environment.ts'
import { environmentNameSchema, homeIdSchema, imageRefSchema, ownerNameSchema } from '../model/ids.ts'
import { restoreFolderSchema } from '../model/operation-result.ts'
import { operationSchema } from '../model/operation.ts'
import { ticketSchema } from '../model/plan.ts'
import { dropPlanSchema, restorePlanSchema, undoPlanSchema } from '../model/restore.ts'
import { pointed, REPOSITORY_ERRORS } from './backups.ts'
import { call } from './call.ts'
import { COMMAND_ERRORS, command, RESTART_ERRORS, target, TICKET_ERRORS, ticketed } from './environments.ts'

const POINT_ERRORS = ['no_recovery_point', 'point_foreign', ...REPOSITORY_ERRORS] as const
const RUN_ERRORS = [
  'operation_in_flight',
  'command_id_reused',
  'environment_quarantined',
  'host_limit_reached',
  'owner_inactive',
  'owner_limit_reached',
  ...TICKET_ERRORS,
] as const
const PLAN_ERRORS = ['operation_in_flight', 'environment_quarantined', 'host_limit_reached', 'engine_failed'] as const
/** Counting what is lost, and asking the repository whether the point is there. */
const PLAN_DEADLINE_MS = 90_000
const RECHECK_DEADLINE_MS = 60_000

const newEnvironment = { name: environmentNameSchema, owner: ownerNameSchema }

/** Everything that uses a recovery point. */
export const restores = {
  restore: {
    plan: call({
      summary: 'What restoring a recovery point would do, counted now, and the ticket to do exactly that.',
      role: 'admin',
      effect: 'read',
      input: z.object({ ...pointed, isStopNow: z.boolean().default(false) }),
      output: z.object({ plan: restorePlanSchema, ticket: ticketSchema }),
      errors: [...PLAN_ERRORS, ...POINT_ERRORS],
      deadlineMs: PLAN_DEADLINE_MS,
    }),
    run: call({
      summary: 'Run a restore plan with its ticket; answers with the operation at once.',
      role: 'admin',
      effect: 'destructive',
      input: z.object({ ...command, ...target, ...ticketed }),
      output: operationSchema,
      errors: [...RUN_ERRORS, ...POINT_ERRORS],
      deadlineMs: RECHECK_DEADLINE_MS,
    }),
  },
  undo: {
    plan: call({
      summary: 'What bringing the replaced home back would do, and the ticket to do exactly that.',
      role: 'admin',
      effect: 'read',
      input: z.object(target),
      output: z.object({ plan: undoPlanSchema, ticket: ticketSchema }),
      errors: [...PLAN_ERRORS, 'nothing_to_undo'],
    }),
    run: call({
      summary: 'Run an undo plan with its ticket; answers with the operation at once.',
      role: 'admin',
      effect: 'destructive',
      input: z.object({ ...command, ...target, ...ticketed }),
      output: operationSchema,
      errors: [...RUN_ERRORS, 'nothing_to_undo'],
    }),
  },
  drop: {
    plan: call({
      summary: 'What giving up a home that is kept for undo or for review would do, and the ticket to do exactly that.',
      role: 'admin',
      effect: 'read',
      input: z.object({
        ...target,
        /** One that is kept for review, or the one for undo; the latter where none is named. */
        home: homeIdSchema.optional(),
      }),
      output: z.object({ plan: dropPlanSchema, ticket: ticketSchema }),
      errors: ['operation_in_flight', 'environment_quarantined', 'wrong_state'],
    }),
    run: call({
      summary: 'Run a plan to give a kept home up, with its ticket; answers with the operation at once.',
      role: 'admin',
      effect: 'destructive',
      input: z.object({ ...command, ...target, ...ticketed }),
      output: operationSchema,
      errors: ['operation_in_flight', 'command_id_reused', 'environment_quarantined', 'wrong_state', ...TICKET_ERRORS],
    }),
  },
  files: call({
    summary: 'Copy chosen files of a recovery point into a new folder on the host; the home is not touched.',
    role: 'admin',
    effect: 'write',
    input: z.object({
      ...command,
      ...pointed,
      /** Paths in the point, each a file or a whole folder. */
      paths: z.array(z.string().min(1).max(8192)).min(1).max(1000),
      /** Made below the host's folder for restored files; one that exists is refused. */
      folder: restoreFolderSchema,
    }),
    output: operationSchema,
    errors: [...COMMAND_ERRORS, ...POINT_ERRORS, 'target_exists'],
    deadlineMs: RECHECK_DEADLINE_MS,
  }),
  clone: call({
    summary: 'Make a new environment, with an identity of its own, from a recovery point of another.',
    role: 'admin',
    effect: 'write',
    input: z.object({
      ...command,
      /** Whose point it is; a destroyed one by its id. */
      ...pointed,
      ...newEnvironment,
      /** The source's unless told; needed for one that the record has forgotten. */
      image: imageRefSchema.optional(),
      size: environmentSizeSchema.partial().optional(),
    }),
    output: operationSchema,
    errors: [...COMMAND_ERRORS, ...RESTART_ERRORS, ...POINT_ERRORS, 'name_taken', 'owner_not_allowed'],
    deadlineMs: RECHECK_DEADLINE_MS,
  }),
  drill: call({
    summary: 'Prove a recovery point: restore it into a scratch guest without network, boot it, check it, remove it.',
    role: 'operator',
    effect: 'write',
    input: z.object({
      ...command,
      ...pointed,
      /** Keep the proven guest's home as a new, stopped environment instead of removing it. Needs the admin role. */
      promoteTo: z.object(newEnvironment).optional(),
    }),
    output: operationSchema,
    errors: [...COMMAND_ERRORS, ...POINT_ERRORS, 'host_limit_reached', 'name_taken', 'owner_not_allowed'],
    deadlineMs: RECHECK_DEADLINE_MS,
  }),
}
