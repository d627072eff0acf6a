import { eventIterator, oc } from '@orpc/contract'
import { z } from 'zod'
import { cursorSchema } from '../model/cursor.ts'
import { daemonInfoSchema, PROTOCOL_VERSION } from '../model/daemon.ts'
import { driverKindSchema, environmentSchema, environmentSizeSchema } from '../model/environment.ts'
import { consoleBootSchema } from '../model/console.ts'
import {
  commandIdSchema,
  environmentIdSchema,
  environmentNameSchema,
  environmentRefSchema,
  imageRefSchema,
  operationIdSchema,
  ownerNameSchema,
  ticketIdSchema,
} from '../model/ids.ts'
import { imageSchema } from '../model/image.ts'
import { operationSchema } from '../model/operation.ts'
import { ownerLimitSchema, ownerSchema } from '../model/owner.ts'
import { planSchema, ticketSchema } from '../model/plan.ts'
import { plainText } from '../lib/strict-text.ts'
import { call } from './call.ts'

const target = { environment: environmentRefSchema }
/** Every mutating command: its idempotency key, and optionally the generation the caller saw. */
const command = { commandId: commandIdSchema }
const seen = { generation: z.int().min(1).optional() }

/** A change, or the whole state first. Events of one subscription rise by `cursor.seq` without holes. */
export const daemonEventSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('snapshot'),
    cursor: cursorSchema,
    environments: z.array(environmentSchema),
    /** Those running, and the newest ended ones. */
    operations: z.array(operationSchema),
  }),
  /** The cursor asked for is of another epoch or too old: subscribe again without `since`. */
  z.object({ type: z.literal('reset'), cursor: cursorSchema }),
  z.object({ type: z.literal('environment_changed'), cursor: cursorSchema, environment: environmentSchema }),
  z.object({ type: z.literal('environment_removed'), cursor: cursorSchema, environmentId: environmentIdSchema }),
  z.object({ type: z.literal('operation_changed'), cursor: cursorSchema, operation: operationSchema }),
  /** Nothing changed; the state as of this cursor was confirmed at `now` on the host's clock. Sent every few seconds. */
  z.object({ type: z.literal('confirmed'), cursor: cursorSchema, now: z.int() }),
])
export type DaemonEvent = z.infer<typeof daemonEventSchema>

const hello = call({
  summary: 'Who the daemon is, what it can do, and who it takes the caller for. The first call on every connection.',
  role: 'viewer',
  effect: 'read',
  input: z.object({ protocol: z.int().default(PROTOCOL_VERSION) }).default({ protocol: PROTOCOL_VERSION }),
  output: daemonInfoSchema,
})

const environments = {
  list: call({
    summary: 'All environments of the host, with the cursor from which their events continue.',
    role: 'viewer',
    effect: 'read',
    input: z.object({ owner: ownerNameSchema.optional() }).default({}),
    output: z.object({ cursor: cursorSchema, environments: z.array(environmentSchema) }),
  }),
  get: call({
    summary: 'One environment by id or name.',
    role: 'viewer',
    effect: 'read',
    input: z.object(target),
    output: environmentSchema,
  }),
  spawn: call({
    summary: 'Make a new environment; answers with the operation at once.',
    role: 'operator',
    effect: 'write',
    input: z.object({
      ...command,
      name: environmentNameSchema,
      owner: ownerNameSchema,
      image: imageRefSchema,
      driver: driverKindSchema.optional(),
      size: environmentSizeSchema.partial().optional(),
    }),
    output: operationSchema,
    errors: [
      'name_taken',
      'owner_not_allowed',
      'owner_inactive',
      'owner_limit_reached',
      'host_limit_reached',
      'command_id_reused',
      'engine_failed',
    ],
  }),
  start: call({
    summary: 'Start a stopped environment with its home.',
    role: 'operator',
    effect: 'write',
    input: z.object({ ...command, ...target, ...seen }),
    output: operationSchema,
    errors: [
      'operation_in_flight',
      'generation_mismatch',
      'command_id_reused',
      'home_gone',
      'host_limit_reached',
      'engine_failed',
    ],
  }),
  stop: call({
    summary: 'Stop the guest, gracefully and then by force; the home is kept.',
    role: 'operator',
    effect: 'write',
    input: z.object({ ...command, ...target, ...seen }),
    output: operationSchema,
    errors: ['operation_in_flight', 'generation_mismatch', 'command_id_reused'],
  }),
  setProtection: call({
    summary: 'Switch deletion protection on or off.',
    role: 'admin',
    effect: 'write',
    input: z.object({ ...target, isProtected: z.boolean() }),
    output: environmentSchema,
  }),
  destroy: {
    plan: call({
      summary: 'What destroying the environment would do, and the ticket to do exactly that.',
      role: 'admin',
      effect: 'read',
      input: z.object(target),
      output: z.object({ plan: planSchema, ticket: ticketSchema }),
      errors: ['operation_in_flight', 'deletion_protected'],
    }),
    run: call({
      summary: 'Run a destroy plan with its ticket; answers with the operation at once.',
      role: 'admin',
      effect: 'destructive',
      input: z.object({
        ...command,
        ...target,
        ticket: ticketIdSchema.optional(),
        /** The environment's name as typed, where the plan asks for it. */
        confirmName: z.string().max(64).optional(),
        reason: plainText(500).optional(),
      }),
      output: operationSchema,
      errors: [
        'operation_in_flight',
        'command_id_reused',
        'deletion_protected',
        'ticket_required',
        'ticket_invalid',
        'ticket_expired',
        'ticket_used',
        'ticket_foreign',
        'plan_outdated',
      ],
    }),
  },
}

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
  wait: call({
    summary: 'Answers when the operation has ended, or with its present state after `timeoutMs`.',
    role: 'viewer',
    effect: 'read',
    input: z.object({ id: operationIdSchema, timeoutMs: z.int().min(0).max(300_000).default(60_000) }),
    output: operationSchema,
    deadlineMs: 310_000,
  }),
  cancel: call({
    summary: 'Ask a running operation to stop and undo what it did; answers with its present state.',
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

const events = call({
  summary: 'The state, then every change of it; with `since`, only the changes after that cursor.',
  role: 'viewer',
  effect: 'read',
  input: z.object({ since: cursorSchema.optional() }).default({}),
  output: eventIterator(daemonEventSchema),
  deadlineMs: null,
})

/** Every call of the daemon. Client, dispatcher, fake, CLI and reference derive from this object. */
export const daemonContract = oc.router({ hello, environments, operations, owners, images, consoles, events })
export type DaemonContract = typeof daemonContract
