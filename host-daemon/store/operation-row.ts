import { z } from 'zod'
import { failureSchema, type Failure } from '../../src-shared/error.ts'
import { operationResultSchema } from '../../src-shared/model/operation-result.ts'
import { operationSchema, type Operation, type OperationStatus } from '../../src-shared/model/operation.ts'
import { without } from './without.ts'

export interface OperationRow {
  id: string
  kind: string
  environment_id: string
  environment_name: string
  command_id: string
  request_id: string
  user: string
  uid: number
  role: string
  claimed_actor: string | null
  status: OperationStatus['kind']
  failure: string | null
  direction: 'forward' | 'undo'
  undo_cause: string | null
  step: string
  step_index: number
  step_count: number
  phase: string | null
  attempt: number | null
  is_cancellable: number
  cancel_requested_at: number | null
  resumptions: number
  params: string
  result: string | null
  requested_at: number
  ended_at: number | null
}

/** An operation with what only the engine needs: enough to go on after a crash. */
export interface StoredOperation extends Operation {
  readonly direction: 'forward' | 'undo'
  /** Why it is being undone; null while it goes forward. */
  readonly undoCause: Failure | null
  readonly isCancelRequested: boolean
  /** How often a restarted daemon has gone on with it. */
  readonly resumptions: number
  /** What the steps need beyond the environment's row, decided at acceptance; never secrets. */
  readonly params: OperationParams
}

export type OperationParams = Readonly<Record<string, string | number | boolean | null>>

const storedSchema = operationSchema.extend({
  direction: z.enum(['forward', 'undo']),
  undoCause: failureSchema.nullable(),
  isCancelRequested: z.boolean(),
  resumptions: z.int().min(0),
  params: z.record(z.string(), z.union([z.string(), z.number(), z.boolean(), z.null()])),
})

/** Undefined for a row that does not read as an operation: this daemon did not write it so, and nobody can go by it. */
export function toStoredOperation(row: OperationRow): StoredOperation | undefined {
  try {
    return storedSchema.safeParse(valuesOf(row)).data
  } catch {
    // A column of JSON is none.
    return undefined
  }
}

function valuesOf(row: OperationRow) {
  const { user, uid, role, claimed_actor: claimedActor } = row
  return {
    id: row.id,
    kind: row.kind,
    environmentId: row.environment_id,
    environmentName: row.environment_name,
    commandId: row.command_id,
    requestId: row.request_id,
    actor: { user, uid, role, claimedActor },
    status: statusOf(row),
    step: row.step,
    stepIndex: row.step_index,
    stepCount: row.step_count,
    phase: row.phase,
    attempt: row.attempt,
    isCancellable: row.is_cancellable === 1,
    requestedAt: row.requested_at,
    direction: row.direction,
    undoCause: JSON.parse(row.undo_cause ?? 'null') as unknown,
    isCancelRequested: row.cancel_requested_at !== null,
    resumptions: row.resumptions,
    params: JSON.parse(row.params) as unknown,
    // What came of it decides nothing: one that cannot be read is one that is not known.
    result: operationResultSchema.safeParse(JSON.parse(row.result ?? 'null')).data ?? null,
    progress: null,
  }
}

function statusOf({ status: kind, ended_at: endedAt, failure }: OperationRow) {
  if (kind === 'running') return { kind }
  return kind === 'failed' ? { kind, endedAt, failure: JSON.parse(failure ?? 'null') as unknown } : { kind, endedAt }
}

/** What goes over the wire: the contract's fields alone. Its note is among what was decided at acceptance. */
export function toWireOperation(stored: StoredOperation): Operation {
  const operation = without(stored, ['direction', 'undoCause', 'isCancelRequested', 'resumptions', 'params'])
  const { note } = stored.params
  return typeof note === 'string' ? { ...operation, note } : operation
}
