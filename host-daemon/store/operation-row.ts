import type { Failure } from '../../src-shared/error.ts'
import type { Phase } from '../../src-shared/model/environment.ts'
import type {
  ClaimedActor,
  CommandId,
  EnvironmentId,
  EnvironmentName,
  OperationId,
  RequestId,
} from '../../src-shared/model/ids.ts'
import type { Operation, OperationKind, OperationStatus } from '../../src-shared/model/operation.ts'
import type { Role } from '../../src-shared/model/role.ts'
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

export function toStoredOperation(row: OperationRow): StoredOperation {
  return {
    id: row.id as OperationId,
    kind: row.kind as OperationKind,
    environmentId: row.environment_id as EnvironmentId,
    environmentName: row.environment_name as EnvironmentName,
    commandId: row.command_id as CommandId,
    requestId: row.request_id as RequestId,
    actor: toActor(row),
    status: toStatus(row),
    step: row.step,
    stepIndex: row.step_index,
    stepCount: row.step_count,
    phase: row.phase as Phase | null,
    attempt: row.attempt,
    isCancellable: row.is_cancellable === 1,
    requestedAt: row.requested_at,
    direction: row.direction,
    undoCause: row.undo_cause === null ? null : (JSON.parse(row.undo_cause) as Failure),
    isCancelRequested: row.cancel_requested_at !== null,
    resumptions: row.resumptions,
    params: JSON.parse(row.params) as OperationParams,
  }
}

function toActor(row: OperationRow): Operation['actor'] {
  const { user, uid, role, claimed_actor: claimedActor } = row
  return { user, uid, role: role as Role, claimedActor: claimedActor as ClaimedActor | null }
}

function toStatus(row: OperationRow): OperationStatus {
  const endedAt = row.ended_at ?? 0
  switch (row.status) {
    case 'running':
      return { kind: 'running' }
    case 'failed':
      return { kind: 'failed', endedAt, failure: JSON.parse(row.failure ?? 'null') as Failure }
    default:
      return { kind: row.status, endedAt }
  }
}

/** What goes over the wire: the contract's fields alone. */
export function toWireOperation(stored: StoredOperation): Operation {
  return without(stored, ['direction', 'undoCause', 'isCancelRequested', 'resumptions', 'params'])
}
