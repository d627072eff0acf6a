import { z } from 'zod'
import { failureSchema } from '../error.ts'
import { phaseSchema, timestampSchema } from './environment.ts'
import {
  claimedActorSchema,
  commandIdSchema,
  environmentIdSchema,
  environmentNameSchema,
  operationIdSchema,
  requestIdSchema,
} from './ids.ts'
import { roleSchema } from './role.ts'

/** The mutating commands. Each has one promise, in one sentence, the same on screen, in the CLI and in the record. */
export const OPERATION_PROMISES = {
  spawn: 'Makes a new environment from an image, with an empty home.',
  start: 'Starts the guest with its home.',
  stop: 'Stops the guest; its home is kept.',
  reboot: 'Ends the guest, gracefully if it can, and starts it again with its home.',
  recover:
    'Brings the environment back with its home: reboots it, and if that fails recreates it around the same home. If the home is gone, it stops and says so.',
  reset: 'Destroys the home and starts fresh from the image.',
  resize: 'Changes the size of a stopped environment; its home only grows.',
  destroy: 'Removes the guest and its home for good.',
} as const
export type OperationKind = keyof typeof OPERATION_PROMISES
export const operationKindSchema = z.enum(Object.keys(OPERATION_PROMISES) as [OperationKind, ...OperationKind[]])

/** Who asked: `user` is what the host knows, `claimedActor` is what the client said of itself. */
export const actorSchema = z.object({
  user: z.string(),
  uid: z.int(),
  role: roleSchema,
  claimedActor: claimedActorSchema.nullable(),
})
export type Actor = z.infer<typeof actorSchema>

export const operationStatusSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('running') }),
  z.object({ kind: z.literal('succeeded'), endedAt: timestampSchema }),
  z.object({ kind: z.literal('failed'), endedAt: timestampSchema, failure: failureSchema }),
  z.object({ kind: z.literal('cancelled'), endedAt: timestampSchema }),
])
export type OperationStatus = z.infer<typeof operationStatusSchema>

export const operationSchema = z.object({
  id: operationIdSchema,
  kind: operationKindSchema,
  environmentId: environmentIdSchema,
  /** Kept after the environment is gone, so that the record stays readable. */
  environmentName: environmentNameSchema,
  commandId: commandIdSchema,
  requestId: requestIdSchema,
  actor: actorSchema,
  status: operationStatusSchema,
  /** The named step that is running, or the last one that ran. */
  step: z.string(),
  stepIndex: z.int().min(0),
  stepCount: z.int().min(1),
  /** Startup phase for operations that start a guest, else null. */
  phase: phaseSchema.nullable(),
  /** Start attempt, counted from 1; null before the first. */
  attempt: z.int().min(1).nullable(),
  isCancellable: z.boolean(),
  requestedAt: timestampSchema,
})
export type Operation = z.infer<typeof operationSchema>

/** One entry of an operation's journal: written before the step, and ended after it. */
export const stepEntrySchema = z.object({
  direction: z.enum(['forward', 'undo']),
  step: z.string(),
  stepIndex: z.int().min(0),
  attempt: z.int().min(1).nullable(),
  startedAt: timestampSchema,
  /** Null while it runs, or where a crash cut it off and nobody has gone on with it yet. */
  endedAt: timestampSchema.nullable(),
  outcome: z.enum(['done', 'failed', 'interrupted']).nullable(),
  /** One sentence; null where there is nothing to say. */
  detail: z.string().nullable(),
})
export type StepEntry = z.infer<typeof stepEntrySchema>
