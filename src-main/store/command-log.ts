import type { HostId, RequestId } from '../../src-shared/model/ids.ts'
import type { Db } from './database.ts'

/** One command that was sent from this console; the host's own record is the one that counts. */
export interface SentCommand {
  readonly requestId: RequestId
  /** Null for a call that carries none. */
  readonly commandId: string | null
  readonly hostId: HostId
  /** Dotted, such as `environments.spawn`. */
  readonly call: string
}

export interface LoggedCommand extends SentCommand {
  readonly sentAt: number
  readonly endedAt: number | null
  /** `sent`, `accepted` or the code of the error. */
  readonly outcome: string
}

interface Row {
  sent_at: number
  ended_at: number | null
  request_id: string
  command_id: string | null
  host_id: string
  call: string
  outcome: string
}

/** A local record of what was asked of hosts, written before it is sent. */
export class CommandLog {
  private readonly db: Db

  constructor(db: Db) {
    this.db = db
  }

  /** Answers with the function that records the outcome. */
  begin(command: SentCommand, sentAt: number): (outcome: string, endedAt: number) => void {
    const insert = this.db.prepare(
      `INSERT INTO commands (sent_at, request_id, command_id, host_id, call, outcome) VALUES (?, ?, ?, ?, ?, 'sent')`,
    )
    const { lastInsertRowid } = insert.run(sentAt, command.requestId, command.commandId, command.hostId, command.call)
    const update = this.db.prepare('UPDATE commands SET outcome = ?, ended_at = ? WHERE id = ?')
    return (outcome, endedAt) => void update.run(outcome, endedAt, lastInsertRowid)
  }

  /** Newest first. */
  list(limit: number): LoggedCommand[] {
    const rows = this.db.prepare<[number], Row>('SELECT * FROM commands ORDER BY id DESC LIMIT ?').all(limit)
    return rows.map((row) => ({
      requestId: row.request_id as RequestId,
      commandId: row.command_id,
      hostId: row.host_id as HostId,
      call: row.call,
      sentAt: row.sent_at,
      endedAt: row.ended_at,
      outcome: row.outcome,
    }))
  }
}
