import { boundFailure, type Failure } from '../../src-shared/error.ts'
import type { Phase } from '../../src-shared/model/environment.ts'
import type { EnvironmentId, OperationId } from '../../src-shared/model/ids.ts'
import { operationResultSchema, type OperationResult } from '../../src-shared/model/operation-result.ts'
import type { Operation, OperationStatus } from '../../src-shared/model/operation.ts'
import type { Database } from './database.ts'
import { toStoredOperation, type OperationParams, type OperationRow, type StoredOperation } from './operation-row.ts'

export type NewOperation = Omit<Operation, 'status' | 'stepIndex' | 'attempt' | 'progress' | 'result' | 'note'> & {
  readonly params: OperationParams
}

/** Where an operation stands; written before the step begins. */
export interface Progress {
  readonly direction: 'forward' | 'undo'
  readonly undoCause: Failure | null
  readonly step: string
  readonly stepIndex: number
  readonly phase: Phase | null
  readonly attempt: number | null
  readonly isCancellable: boolean
}

export interface OperationFilter {
  readonly environmentId?: EnvironmentId | undefined
  readonly isRunning?: boolean | undefined
  readonly limit: number
}

const INSERT = `
INSERT INTO operations
  (id, ordinal, kind, environment_id, environment_name, command_id, request_id, user, uid, role, claimed_actor,
   status, direction, step, step_index, step_count, phase, is_cancellable, resumptions, params, requested_at)
VALUES
  (@id, (SELECT COALESCE(MAX(ordinal), 0) + 1 FROM operations), @kind, @environmentId, @environmentName, @commandId,
   @requestId, @user, @uid, @role, @claimedActor,
   'running', 'forward', @step, 0, @stepCount, @phase, @isCancellable, 0, @params, @requestedAt)`

const RUNNING = "SELECT * FROM operations WHERE status = 'running' ORDER BY ordinal"

const PROGRESS = `
UPDATE operations SET direction = @direction, undo_cause = @undoCause, step = @step, step_index = @stepIndex,
  phase = COALESCE(@phase, phase), attempt = COALESCE(@attempt, attempt),
  is_cancellable = CASE WHEN cancel_requested_at IS NULL THEN @isCancellable ELSE 0 END
WHERE id = @id`

const FINISH = `
UPDATE operations SET status = @status, failure = @failure, ended_at = @endedAt, is_cancellable = 0,
  phase = CASE WHEN @status = 'succeeded' AND phase IS NOT NULL THEN 'ready' ELSE phase END
WHERE id = @id AND status = 'running'`

/** Rows of what was destroyed go with their environment, once no operation of it is left. */
const KEEPS_HOME = `EXISTS (
  SELECT 1 FROM kept_homes k JOIN environments e ON e.id = k.environment_id
  WHERE k.operation_id = operations.id AND e.destroyed_at IS NULL)`

/** A running operation whose row cannot be gone by; its id is whatever the row says. */
export interface UnreadableOperation {
  readonly id: OperationId
  readonly environmentId: EnvironmentId
}

/**
 * Operations. Every write says which operation it changed; rows that do not read as operations are in no answer. What
 * was said by guests and engines is cut and made visible as it is written; too much of it is no reason to refuse.
 */
export class OperationsTable {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  insert(operation: NewOperation): void {
    const { actor, isCancellable, params, ...fields } = operation
    const flags = { isCancellable: isCancellable ? 1 : 0, params: JSON.stringify(params) }
    this.db.run(INSERT, { ...fields, ...actor, ...flags })
    this.db.touch('operation', operation.id)
  }

  find(id: OperationId): StoredOperation | undefined {
    const row = this.db.get<OperationRow>('SELECT * FROM operations WHERE id = @id', { id })
    return row === undefined ? undefined : toStoredOperation(row)
  }

  /** Newest first. */
  list({ environmentId, isRunning, limit }: OperationFilter): StoredOperation[] {
    const conditions = [
      ...(environmentId === undefined ? [] : ['environment_id = @environmentId']),
      ...(isRunning === undefined ? [] : [isRunning ? "status = 'running'" : "status <> 'running'"]),
    ]
    const where = conditions.length === 0 ? '' : `WHERE ${conditions.join(' AND ')}`
    const sql = `SELECT * FROM operations ${where} ORDER BY ordinal DESC LIMIT @limit`
    return readable(this.db.all<OperationRow>(sql, { environmentId: environmentId ?? null, limit }))
  }

  /** In the order in which they were accepted. */
  running(): StoredOperation[] {
    return readable(this.db.all<OperationRow>(RUNNING))
  }

  /** Those running that are not among `running()`. */
  unreadable(): UnreadableOperation[] {
    const rows = this.db.all<OperationRow>(RUNNING).filter((row) => toStoredOperation(row) === undefined)
    return rows.map((row) => ({ id: row.id as OperationId, environmentId: row.environment_id as EnvironmentId }))
  }

  setProgress(id: OperationId, progress: Progress): void {
    const { undoCause, isCancellable, ...fields } = progress
    this.db.run(PROGRESS, {
      ...fields,
      id,
      undoCause: undoCause === null ? null : JSON.stringify(boundFailure(undoCause)),
      isCancellable: isCancellable ? 1 : 0,
    })
    this.db.touch('operation', id)
  }

  setPhase(id: OperationId, phase: Phase): void {
    this.db.run('UPDATE operations SET phase = @phase WHERE id = @id', { id, phase })
    this.db.touch('operation', id)
  }

  /** What came of it, for whoever asks; written by the step that found it out. Throws where the contract forbids it. */
  setResult(id: OperationId, result: OperationResult | null): void {
    const written = result === null ? null : JSON.stringify(operationResultSchema.parse(result))
    this.db.run('UPDATE operations SET result = @written WHERE id = @id', { id, written })
    this.db.touch('operation', id)
  }

  requestCancel(id: OperationId, at: number): void {
    const sql = `
      UPDATE operations SET cancel_requested_at = COALESCE(cancel_requested_at, @at), is_cancellable = 0 WHERE id = @id`
    this.db.run(sql, { id, at })
    this.db.touch('operation', id)
  }

  countResumption(id: OperationId): void {
    this.db.run('UPDATE operations SET resumptions = resumptions + 1 WHERE id = @id', { id })
  }

  /** Throws when the operation was not running: an outcome is written once. */
  finish(id: OperationId, status: Exclude<OperationStatus, { kind: 'running' }>): void {
    const failure = status.kind === 'failed' ? JSON.stringify(boundFailure(status.failure)) : null
    const changed = this.db.run(FINISH, { id, status: status.kind, failure, endedAt: status.endedAt })
    if (changed !== 1) throw new Error(`Operation ${id} has ended before`)
    this.db.touch('operation', id)
  }

  /**
   * Forgets operations that ended before `before`, with their journals and idempotency keys. One that a scratch guest or a
   * kept home still names is not forgotten.
   */
  prune(before: number): number {
    const hasScratch = 'EXISTS (SELECT 1 FROM scratch_guests WHERE operation_id = operations.id AND removed_at IS NULL)'
    const sql = `DELETE FROM operations WHERE status <> 'running' AND ended_at < @before AND NOT ${hasScratch}`
    return this.db.run(`${sql} AND NOT ${KEEPS_HOME}`, { before })
  }
}

function readable(rows: readonly OperationRow[]): StoredOperation[] {
  return rows.map(toStoredOperation).filter((operation) => operation !== undefined)
}
