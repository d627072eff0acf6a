import type { CommandId, OperationId } from '../../src-shared/model/ids.ts'
import type { Database } from './database.ts'

/** What an idempotency key stands for. */
export interface Command {
  readonly id: CommandId
  readonly user: string
  readonly uid: number
  /** SHA-256 over the call's name and input. */
  readonly inputHash: string
  readonly operationId: OperationId
  readonly createdAt: number
}

const SELECT = `
SELECT id, user, uid, input_hash AS inputHash, operation_id AS operationId, created_at AS createdAt
FROM commands WHERE id = @id`

const INSERT = `
INSERT INTO commands (id, user, uid, input_hash, operation_id, created_at)
VALUES (@id, @user, @uid, @inputHash, @operationId, @createdAt)`

/** Idempotency keys, kept as long as their operation. */
export class CommandsTable {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  find(id: CommandId): Command | undefined {
    return this.db.get<Command>(SELECT, { id })
  }

  insert(command: Command): void {
    this.db.run(INSERT, { ...command })
  }
}
