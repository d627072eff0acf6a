import { eventIterator, oc } from '@orpc/contract'
import { z } from 'zod'
import { activityEntrySchema, activityHeadSchema } from '../model/activity.ts'
import { backupStatusSchema } from '../model/backup.ts'
import { cursorSchema } from '../model/cursor.ts'
import { daemonInfoSchema, PROTOCOL_VERSION } from '../model/daemon.ts'
import { driftIdSchema, driftPlanSchema, driftReportSchema, driftResultSchema } from '../model/drift.ts'
import { environmentSchema } from '../model/environment.ts'
import { consoleBootSchema } from '../model/console.ts'
import {
  environmentIdSchema,
  environmentRefSchema,
  operationIdSchema,
  ownerNameSchema,
  requestIdSchema,
} from '../model/ids.ts'
import { imageSchema } from '../model/image.ts'
import { operationSchema, stepEntrySchema } from '../model/operation.ts'
import { ownerLimitSchema, ownerSchema } from '../model/owner.ts'
import { ticketSchema } from '../model/plan.ts'
import { plainText } from '../lib/strict-text.ts'
import { backups } from './backups.ts'
import { call } from './call.ts'
import { command, environments, target, TICKET_ERRORS, ticketed } from './environments.ts'
import { restores } from './restores.ts'

/** A change, or the whole state first. Events of one subscription rise by `cursor.seq` without holes. */
export const daemonEventSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('snapshot'),
    cursor: cursorSchema,
    environments: z.array(environmentSchema),
    /** Those running, and the newest ended ones. */
    operations: z.array(operationSchema),
    /** How well each of the environments is protected. */
    backups: z.array(backupStatusSchema),
    activityHead: activityHeadSchema,
  }),
  /** The cursor asked for is of another epoch or too old: subscribe again without `since`. */
  z.object({ type: z.literal('reset'), cursor: cursorSchema }),
  z.object({ type: z.literal('environment_changed'), cursor: cursorSchema, environment: environmentSchema }),
  z.object({ type: z.literal('environment_removed'), cursor: cursorSchema, environmentId: environmentIdSchema }),
  z.object({ type: z.literal('operation_changed'), cursor: cursorSchema, operation: operationSchema }),
  /** How well it is protected changed: a new point, another freshness, a policy, a problem. */
  z.object({ type: z.literal('backup_changed'), cursor: cursorSchema, backup: backupStatusSchema }),
  /** Nothing changed; the state as of this cursor was confirmed at `now` on the host's clock. Sent every few seconds. */
  z.object({
    type: z.literal('confirmed'),
    cursor: cursorSchema,
    now: z.int(),
    activityHead: activityHeadSchema,
  }),
])
export type DaemonEvent = z.infer<typeof daemonEventSchema>

const hello = call({
  summary: 'Who the daemon is, what it can do, and who it takes the caller for. The first call on every connection.',
  role: 'viewer',
  effect: 'read',
  input: z.object({ protocol: z.int().default(PROTOCOL_VERSION) }).default({ protocol: PROTOCOL_VERSION }),
  output: daemonInfoSchema,
})

const operations = {
  list: call({
    summary: 'Operations, newest first.',
    role: 'viewer',
    effect: 'read',
    input: z
      .object({
        environment: environmentRefSchema.optional(),
        isRunning: z.boolean().optional(),
        limit: z.int().min(1).max(500).default(100),
      })
      .default({ limit: 100 }),
    output: z.array(operationSchema),
  }),
  get: call({
    summary: 'One operation.',
    role: 'viewer',
    effect: 'read',
    input: z.object({ id: operationIdSchema }),
    output: operationSchema,
  }),
  steps: call({
    summary: "The operation's journal: every step that was begun, and how it ended.",
    role: 'viewer',
    effect: 'read',
    input: z.object({ id: operationIdSchema }),
    output: z.array(stepEntrySchema),
  }),
  wait: call({
    summary: 'Answers when the operation has ended, or with its present state after `timeoutMs`.',
    role: 'viewer',
    effect: 'read',
    input: z.object({ id: operationIdSchema, timeoutMs: z.int().min(0).max(300_000).default(60_000) }),
    output: operationSchema,
    deadlineMs: 310_000,
  }),
  cancel: call({
    summary:
      'Ask a running operation to stop and undo what it did; needs the role that starts its kind. Answers with its present state.',
    role: 'operator',
    effect: 'write',
    input: z.object({ id: operationIdSchema }),
    output: operationSchema,
  }),
}

const owners = {
  list: call({
    summary: 'Who may own environments on this host.',
    role: 'viewer',
    effect: 'read',
    input: z.object({}).default({}),
    output: z.array(ownerSchema),
  }),
  put: call({
    summary: 'Allow an owner, or change its note, activity or limit.',
    role: 'admin',
    effect: 'write',
    input: z.object({
      name: ownerNameSchema,
      note: plainText(500).optional(),
      isActive: z.boolean().optional(),
      limit: ownerLimitSchema.optional(),
    }),
    output: ownerSchema,
  }),
}

const images = {
  list: call({
    summary: 'Images built on this host.',
    role: 'viewer',
    effect: 'read',
    input: z.object({}).default({}),
    output: z.array(imageSchema),
  }),
}

const consoles = {
  boots: call({
    summary: 'The boots whose console journals are kept, newest first.',
    role: 'viewer',
    effect: 'read',
    input: z.object(target),
    output: z.array(consoleBootSchema),
  }),
}

const activity = {
  list: call({
    summary: 'The record of who did what, when, with which outcome, and the end of its chain.',
    role: 'viewer',
    effect: 'read',
    input: z
      .object({
        environment: environmentRefSchema.optional(),
        operation: operationIdSchema.optional(),
        request: requestIdSchema.optional(),
        user: plainText(64).optional(),
        /** The action itself, or the part of it before a dot. */
        action: plainText(64).optional(),
        outcome: plainText(64).optional(),
        /** Only entries after, or before, this sequence number. */
        after: z.int().min(0).optional(),
        before: z.int().min(1).optional(),
        order: z.enum(['newest_first', 'oldest_first']).default('newest_first'),
        limit: z.int().min(1).max(1000).default(100),
      })
      .default({ order: 'newest_first', limit: 100 }),
    output: z.object({ entries: z.array(activityEntrySchema), head: activityHeadSchema }),
  }),
  head: call({
    summary: 'The end of the activity chain now, to be pinned or exported.',
    role: 'viewer',
    effect: 'read',
    input: z.object({}).default({}),
    output: activityHeadSchema,
  }),
}

const drift = {
  list: call({
    summary: 'What is on the host that the record does not account for; looked up now.',
    role: 'viewer',
    effect: 'read',
    input: z.object({}).default({}),
    output: driftReportSchema,
  }),
  plan: call({
    summary: 'What cleaning these leftovers up would do, and the ticket to do exactly that.',
    role: 'admin',
    effect: 'read',
    input: z.object({ items: z.array(driftIdSchema).min(1).max(500) }),
    output: z.object({ plan: driftPlanSchema, ticket: ticketSchema }),
  }),
  run: call({
    summary: 'Run a clean-up plan with its ticket; what cannot be removed stays and is named.',
    role: 'admin',
    effect: 'destructive',
    input: z.object({ ...command, ...ticketed }),
    output: driftResultSchema,
    errors: ['command_id_reused', ...TICKET_ERRORS],
    deadlineMs: 120_000,
  }),
}

const events = call({
  summary: 'The state, then every change of it; with `since`, only the changes after that cursor.',
  role: 'viewer',
  effect: 'read',
  input: z.object({ since: cursorSchema.optional() }).default({}),
  output: eventIterator(daemonEventSchema),
  deadlineMs: null,
})

/** Every call of the daemon. Client, dispatcher, fake, CLI and reference derive from this object. */
export const daemonContract = oc.router({
  hello,
  environments,
  operations,
  backups,
  ...restores,
  owners,
  images,
  consoles,
  activity,
  drift,
  events,
})
export type DaemonContract = typeof daemonContract
