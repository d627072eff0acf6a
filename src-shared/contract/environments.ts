import { z } from 'zod'
import { plainText } from '../lib/strict-text.ts'
import { cursorSchema } from '../model/cursor.ts'
import { driverKindSchema, environmentSchema, environmentSizeSchema } from '../model/environment.ts'
import {
  commandIdSchema,
  environmentNameSchema,
  environmentRefSchema,
  imageRefSchema,
  ownerNameSchema,
  ticketIdSchema,
} from '../model/ids.ts'
import { labelsSchema } from '../model/labels.ts'
import { operationSchema } from '../model/operation.ts'
import { planSchema, ticketSchema } from '../model/plan.ts'
import { startupSchema } from '../model/startup.ts'
import { call } from './call.ts'

export const target = { environment: environmentRefSchema }
/** Every mutating command: its idempotency key, and optionally the generation the caller saw. */
export const command = { commandId: commandIdSchema }
const seen = { generation: z.int().min(1).optional() }

/** What every dangerous `run` takes beside its target. */
export const ticketed = {
  ticket: ticketIdSchema.optional(),
  /** The name as typed, where the plan asks for it. */
  confirmName: z.string().max(64).optional(),
  reason: plainText(500).optional(),
}
/** What every dangerous `run` may answer. */
export const TICKET_ERRORS = [
  'ticket_required',
  'ticket_invalid',
  'ticket_expired',
  'ticket_used',
  'ticket_foreign',
  'plan_outdated',
] as const
/** What every command on an existing environment may answer. */
export const COMMAND_ERRORS = [
  'operation_in_flight',
  'generation_mismatch',
  'command_id_reused',
  'environment_quarantined',
] as const

/** What a command that starts a guest may answer. */
export const RESTART_ERRORS = [
  'home_gone',
  'host_limit_reached',
  'owner_inactive',
  'owner_limit_reached',
  'engine_failed',
] as const

/** Environments: what is known of them, and every command on them. */
export const environments = {
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
      labels: labelsSchema.optional(),
      startup: startupSchema.optional(),
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
    errors: [...COMMAND_ERRORS, ...RESTART_ERRORS],
  }),
  stop: call({
    summary: 'Stop the guest, gracefully and then by force; the home is kept.',
    role: 'operator',
    effect: 'write',
    input: z.object({ ...command, ...target, ...seen }),
    output: operationSchema,
    errors: COMMAND_ERRORS,
  }),
  reboot: call({
    summary: 'End the guest, gracefully if it can, and start it again with its home.',
    role: 'operator',
    effect: 'write',
    input: z.object({ ...command, ...target, ...seen }),
    output: operationSchema,
    errors: [...COMMAND_ERRORS, 'wrong_state', 'home_gone', 'host_limit_reached', 'engine_failed'],
  }),
  recover: call({
    summary:
      'Bring it back with its home: reboot, and if that fails recreate it around the same home. Where the home is gone it stops and says so.',
    role: 'operator',
    effect: 'write',
    input: z.object({ ...command, ...target, ...seen, reason: plainText(500).optional() }),
    output: operationSchema,
    errors: [...COMMAND_ERRORS, ...RESTART_ERRORS],
  }),
  resize: call({
    summary: 'Change the size of a stopped environment; its home only grows.',
    role: 'operator',
    effect: 'write',
    input: z.object({ ...command, ...target, ...seen, size: environmentSizeSchema.partial() }),
    output: operationSchema,
    errors: [...COMMAND_ERRORS, 'wrong_state', 'host_limit_reached', 'engine_failed', 'home_gone'],
  }),
  rename: call({
    summary: 'Give the environment another name; its id, guest and home stay.',
    role: 'operator',
    effect: 'write',
    input: z.object({ ...target, name: environmentNameSchema }),
    output: environmentSchema,
    errors: ['name_taken', 'environment_quarantined'],
  }),
  setLabels: call({
    summary: 'Replace all labels of the environment.',
    role: 'operator',
    effect: 'write',
    input: z.object({ ...target, labels: labelsSchema }),
    output: environmentSchema,
    errors: ['environment_quarantined'],
  }),
  setProtection: call({
    summary: 'Switch deletion protection on or off.',
    role: 'admin',
    effect: 'write',
    input: z.object({ ...target, isProtected: z.boolean() }),
    output: environmentSchema,
  }),
  reset: {
    plan: call({
      summary: 'What resetting the environment would do, and the ticket to do exactly that.',
      role: 'admin',
      effect: 'read',
      input: z.object(target),
      output: z.object({ plan: planSchema, ticket: ticketSchema }),
      errors: [
        'operation_in_flight',
        'deletion_protected',
        'environment_quarantined',
        'host_limit_reached',
        'engine_failed',
      ],
    }),
    run: call({
      summary: 'Run a reset plan with its ticket; answers with the operation at once.',
      role: 'admin',
      effect: 'destructive',
      input: z.object({ ...command, ...target, ...ticketed }),
      output: operationSchema,
      errors: [
        'operation_in_flight',
        'command_id_reused',
        'deletion_protected',
        'environment_quarantined',
        'host_limit_reached',
        'owner_inactive',
        'owner_limit_reached',
        ...TICKET_ERRORS,
      ],
    }),
  },
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
      input: z.object({ ...command, ...target, ...ticketed }),
      output: operationSchema,
      errors: ['operation_in_flight', 'command_id_reused', 'deletion_protected', ...TICKET_ERRORS],
    }),
  },
}
