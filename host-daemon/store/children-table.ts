import type { OperationId } from '../../src-shared/model/ids.ts'
import type { ProcessIdentity } from '../system/processes.ts'
import type { Database } from './database.ts'

/** Engines' children of running operations, so that nobody touches what they write while they live. */
export class ChildrenTable {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  /** Durable when it returns. */
  add(operationId: OperationId, { pid, startTicks }: ProcessIdentity, startedAt: number): void {
    const sql = `
      INSERT OR IGNORE INTO operation_children (operation_id, pid, start_ticks, started_at)
      VALUES (@operationId, @pid, @startTicks, @startedAt)`
    this.db.transaction(() => this.db.run(sql, { operationId, pid, startTicks, startedAt }))
  }

  of(operationId: OperationId): ProcessIdentity[] {
    const sql = `
      SELECT pid, start_ticks AS startTicks FROM operation_children
      WHERE operation_id = @operationId ORDER BY started_at`
    return this.db.all<ProcessIdentity & { pid: number }>(sql, { operationId })
  }
}
