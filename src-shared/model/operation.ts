import { z } from 'zod'
import { FAILURE_MESSAGE_MOST, failureSchema } from '../error.ts'
import { wordsSchema } from '../lib/foreign-words.ts'
import { phaseSchema, timestampSchema } from './environment.ts'
import {
  claimedActorSchema,
  commandIdSchema,
  environmentIdSchema,
  environmentNameSchema,
  operationIdSchema,
  requestIdSchema,
} from './ids.ts'
import { operationResultSchema } from './operation-result.ts'
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
  restore:
    'Replaces the home with a chosen recovery point; the old home is kept, and undo is offered for a stated time.',
  undo_restore:
    'Brings back the home that a restore replaced, exactly as it was; the restored one is kept until the same deadline.',
  drop_undo: 'Removes a home that was kept for undo or for review, and frees its space; it cannot be brought back.',
  clone: 'Makes a new environment, with an identity of its own, from a recovery point of another.',
  restore_files: 'Copies chosen files of a recovery point into a new folder on the host; the home is not touched.',
  backup: 'Makes a recovery point of the home; the guest runs on.',
  prune: 'Forgets the recovery points that retention no longer keeps, and frees their space.',
  check: 'Checks that the repository is sound, reading as much of its data as was asked for.',
  drill: 'Proves a recovery point: restores it into a scratch guest without network, boots it, checks it, removes it.',
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

/** How far the running step is, as last heard; not durable, and gone with the step. */
export const operationProgressSchema = z.object({
  doneBytes: z.int().min(0),
  /** Null while it is not known. */
  totalBytes: z.int().min(0).nullable(),
  doneFiles: z.int().min(0).nullable(),
  totalFiles: z.int().min(0).nullable(),
  /** Over the last seconds; null at the beginning. */
  bytesPerSecond: z.int().min(0).nullable(),
})
export type OperationProgress = z.infer<typeof operationProgressSchema>

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
  /** Null where the step tells none, and after the end. */
  progress: operationProgressSchema.nullable(),
  /** What came of it, durable from the step on that found it out; null before, and where there is nothing to tell. */
  result: operationResultSchema.nullable(),
  requestedAt: timestampSchema,
  /** What else is to be known of how it was accepted, one sentence: such as that `latest` is not the newest point. */
  note: wordsSchema(FAILURE_MESSAGE_MOST).optional(),
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
  detail: wordsSchema(FAILURE_MESSAGE_MOST).nullable(),
})
export type StepEntry = z.infer<typeof stepEntrySchema>
