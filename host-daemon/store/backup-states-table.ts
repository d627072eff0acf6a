import { z } from 'zod'
import { boundFailure, failureSchema, type Failure } from '../../src-shared/error.ts'
import { shownWords } from '../../src-shared/lib/foreign-words.ts'
import {
  backupPolicySchema,
  FINDING_MOST,
  PROBLEM_MOST,
  type BackupPolicy,
  type Freshness,
} from '../../src-shared/model/backup.ts'
import { operationIdSchema, type EnvironmentId, type OperationId } from '../../src-shared/model/ids.ts'
import type { Database } from './database.ts'

/** What the daemon knows of one environment's backups beside its points. */
export interface BackupState {
  readonly environmentId: EnvironmentId
  /** Its own; null: the host's. */
  readonly policy: BackupPolicy | null
  /** Why its points cannot be made or read, as found at `problemAt`; null where nothing is known to be wrong. */
  readonly problem: string | null
  readonly problemAt: number | null
  readonly attempt: {
    readonly at: number
    readonly operationId: OperationId
    readonly outcome: 'running' | 'succeeded' | 'failed' | 'cancelled'
    readonly failure: Failure | null
  } | null
  readonly failuresInARow: number
  readonly nextAt: number | null
  readonly check: { readonly at: number; readonly isSound: boolean; readonly detail: string } | null
  /** Of the parts of the data, which one was last read by a check. */
  readonly checkPart: number
  readonly prunedAt: number | null
  readonly drill: { readonly at: number; readonly isPassed: boolean; readonly detail: string } | null
  readonly nextDrillAt: number | null
  /** What was last told of it, so that a change of it is told once. */
  readonly toldFreshness: Freshness['kind'] | null
  /** What of the row cannot be read, and counts as not known therefore, as one sentence; null: nothing. */
  readonly malformation: string | null
}

interface Row {
  environment_id: EnvironmentId
  policy: string | null
  problem: string | null
  problem_at: number | null
  attempt_at: number | null
  attempt_operation_id: string | null
  attempt_outcome: string | null
  attempt_failure: string | null
  failures_in_a_row: number
  next_at: number | null
  checked_at: number | null
  check_sound: number | null
  check_detail: string | null
  check_part: number
  pruned_at: number | null
  drilled_at: number | null
  drill_passed: number | null
  drill_detail: string | null
  next_drill_at: number | null
  told_freshness: string | null
}

const OUTCOME = z.enum(['running', 'succeeded', 'failed', 'cancelled'])

/** What is known of backups, a row per environment that ever had one. Whatever cannot be read counts as not known. */
export class BackupStatesTable {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  /** Of an environment of which nothing is known yet, too. */
  of(environmentId: EnvironmentId): BackupState {
    const sql = 'SELECT * FROM backup_states WHERE environment_id = @environmentId'
    return toState(this.db.get<Row>(sql, { environmentId }), environmentId)
  }

  /** Of one of which nothing is known, without a look. */
  none(environmentId: EnvironmentId): BackupState {
    return toState(undefined, environmentId)
  }

  /** Of all environments that have a row. */
  all(): Map<EnvironmentId, BackupState> {
    const rows = this.db.all<Row>('SELECT * FROM backup_states')
    return new Map(rows.map((row) => [row.environment_id, toState(row, row.environment_id)]))
  }

  setPolicy(id: EnvironmentId, policy: BackupPolicy | null): void {
    this.change(id, { policy: policy === null ? null : JSON.stringify(policy) })
  }

  /** A failed contact with the repository, or with null one that went well. */
  setProblem(id: EnvironmentId, problem: string | null, at: number): void {
    const said = problem === null ? null : shownWords(problem, PROBLEM_MOST)
    this.change(id, { problem: said, problem_at: problem === null ? null : at })
  }

  setAttempt(id: EnvironmentId, attempt: NonNullable<BackupState['attempt']>): void {
    const { at, operationId, outcome, failure } = attempt
    const failed = failure === null ? null : JSON.stringify(boundFailure(failure))
    const told = {
      attempt_at: at,
      attempt_operation_id: operationId,
      attempt_outcome: outcome,
      attempt_failure: failed,
    }
    this.change(id, told)
  }

  setFailuresInARow(id: EnvironmentId, count: number): void {
    this.change(id, { failures_in_a_row: count })
  }

  setNextAt(id: EnvironmentId, at: number | null): void {
    this.change(id, { next_at: at })
  }

  setCheck(id: EnvironmentId, { at, isSound, detail }: NonNullable<BackupState['check']>): void {
    this.change(id, { checked_at: at, check_sound: isSound ? 1 : 0, check_detail: shownWords(detail, FINDING_MOST) })
  }

  setCheckPart(id: EnvironmentId, part: number): void {
    this.change(id, { check_part: part })
  }

  setPruned(id: EnvironmentId, at: number): void {
    this.change(id, { pruned_at: at })
  }

  setDrill(id: EnvironmentId, { at, isPassed, detail }: NonNullable<BackupState['drill']>): void {
    this.change(id, { drilled_at: at, drill_passed: isPassed ? 1 : 0, drill_detail: shownWords(detail, FINDING_MOST) })
  }

  setNextDrillAt(id: EnvironmentId, at: number | null): void {
    this.change(id, { next_drill_at: at })
  }

  setToldFreshness(id: EnvironmentId, kind: Freshness['kind']): void {
    this.change(id, { told_freshness: kind })
  }

  /** Column names are this file's own; values are bound. */
  private change(environmentId: EnvironmentId, values: Readonly<Record<string, string | number | null>>): void {
    const columns = Object.keys(values)
    const sql = `
      INSERT INTO backup_states (environment_id, ${columns.join(', ')})
      VALUES (@environmentId, ${columns.map((column) => `@${column}`).join(', ')})
      ON CONFLICT (environment_id) DO UPDATE SET ${columns.map((column) => `${column} = @${column}`).join(', ')}`
    this.db.run(sql, { ...values, environmentId })
    this.db.touch('backup', environmentId)
  }
}

/** Something is in the row, and it does not read as what it should be. */
const isUnread = (column: unknown, read: unknown): boolean => column !== null && column !== undefined && read === null

function toState(row: Row | undefined, environmentId: EnvironmentId): BackupState {
  const [policy, attempt] = [fromJson(backupPolicySchema, row?.policy), toAttempt(row)]
  const times = [row?.problem_at, row?.next_at, row?.checked_at, row?.pruned_at, row?.drilled_at, row?.next_drill_at]
  const unread = [
    ...(isUnread(row?.policy, policy) ? ['policy'] : []),
    ...(isUnread(row?.attempt_at, attempt) || isUnread(row?.attempt_failure, attempt?.failure ?? null)
      ? ['last attempt']
      : []),
    ...(times.some((column) => isUnread(column, toTime(column))) ? ['times'] : []),
  ]
  const malformation = unread.length === 0 ? null : `The record of its backups is malformed (${unread.join(', ')}).`
  return {
    environmentId,
    policy,
    problem: row?.problem ?? null,
    problemAt: toTime(row?.problem_at),
    attempt,
    failuresInARow: row?.failures_in_a_row ?? 0,
    nextAt: toTime(row?.next_at),
    check: toCheck(row),
    checkPart: row?.check_part ?? 0,
    prunedAt: toTime(row?.pruned_at),
    drill: toDrill(row),
    nextDrillAt: toTime(row?.next_drill_at),
    toldFreshness: (row?.told_freshness ?? null) as Freshness['kind'] | null,
    malformation,
  }
}

function toTime(column: number | null | undefined): number | null {
  return Number.isSafeInteger(column) && (column ?? -1) >= 0 ? (column ?? null) : null
}

function toAttempt(row: Row | undefined): BackupState['attempt'] {
  const at = toTime(row?.attempt_at)
  if (row === undefined || at === null) return null
  const outcome = OUTCOME.safeParse(row.attempt_outcome).data
  const operationId = operationIdSchema.safeParse(row.attempt_operation_id).data
  if (outcome === undefined || operationId === undefined) return null
  return { at, operationId, outcome, failure: fromJson(failureSchema, row.attempt_failure) }
}

function toCheck(row: Row | undefined): BackupState['check'] {
  const at = toTime(row?.checked_at)
  return row === undefined || at === null
    ? null
    : { at, isSound: row.check_sound === 1, detail: row.check_detail ?? '' }
}

function toDrill(row: Row | undefined): BackupState['drill'] {
  const at = toTime(row?.drilled_at)
  return row === undefined || at === null
    ? null
    : { at, isPassed: row.drill_passed === 1, detail: row.drill_detail ?? '' }
}

function fromJson<T>(schema: z.ZodType<T>, text: string | null | undefined): T | null {
  if (text === null || text === undefined) return null
  try {
    return schema.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}
