import type { StepEntry as JournalEntry } from '../../src-shared/model/operation.ts'
import { FAILURE_MESSAGE_MOST } from '../../src-shared/error.ts'
import { shownWords } from '../../src-shared/lib/foreign-words.ts'
import type { OperationId } from '../../src-shared/model/ids.ts'
import type { Database } from './database.ts'

export interface StepEntry {
  readonly direction: 'forward' | 'undo'
  readonly step: string
  readonly stepIndex: number
  readonly attempt: number | null
  readonly startedAt: number
}

export interface StepEnd {
  readonly endedAt: number
  readonly outcome: 'done' | 'failed' | 'interrupted'
  /** One sentence; null where there is nothing to say. */
  readonly detail: string | null
}

const INSERT = `
INSERT INTO operation_steps (operation_id, direction, step, step_index, attempt, started_at)
VALUES (@operationId, @direction, @step, @stepIndex, @attempt, @startedAt)`

/** The journal: a row before each step, its end after it. A row without an end was cut off by a crash. */
export class StepsTable {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  begin(operationId: OperationId, entry: StepEntry): void {
    this.db.run(INSERT, { operationId, ...entry })
  }

  /** Ends whatever step of the operation is open. */
  end(operationId: OperationId, end: StepEnd): void {
    const sql = `
      UPDATE operation_steps SET ended_at = @endedAt, outcome = @outcome, detail = @detail
      WHERE operation_id = @operationId AND ended_at IS NULL`
    const detail = end.detail === null ? null : shownWords(end.detail, FAILURE_MESSAGE_MOST)
    this.db.run(sql, { operationId, ...end, detail })
  }

  /** In the order in which they began. */
  list(operationId: OperationId): JournalEntry[] {
    const sql = `
      SELECT direction, step, step_index AS stepIndex, attempt, started_at AS startedAt, ended_at AS endedAt, outcome,
        detail
      FROM operation_steps WHERE operation_id = @operationId ORDER BY id`
    return this.db.all(sql, { operationId })
  }
}
