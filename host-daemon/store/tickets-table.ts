import type { CommandId, EnvironmentId, OperationId, TicketId } from '../../src-shared/model/ids.ts'
import type { OperationKind } from '../../src-shared/model/operation.ts'
import type { Role } from '../../src-shared/model/role.ts'
import type { Database } from './database.ts'

/** What can be planned: dangerous operations, and cleaning a host up. */
export type TicketKind = OperationKind | 'clean_up'

/** What a plan rests on; a ticket is good only while all of it still holds. */
export type PlanFacts = Readonly<Record<string, string | number | boolean | null>>

/** The permission to run one plan, bound to who asked for it and to what the plan rests on. */
export interface StoredTicket {
  readonly id: TicketId
  readonly kind: TicketKind
  /** Null for what concerns the host alone. */
  readonly environmentId: EnvironmentId | null
  readonly user: string
  readonly uid: number
  readonly role: Role
  readonly planHash: string
  readonly facts: PlanFacts
  readonly needsName: boolean
  readonly createdAt: number
  readonly expiresAt: number
  readonly usedAt: number | null
  readonly operationId: OperationId | null
  /** The command that used a ticket for the host alone, which starts no operation. */
  readonly commandId: CommandId | null
  /** Of that command's input; null also where it is not known. */
  readonly inputHash: string | null
}

export type NewTicket = Omit<StoredTicket, 'usedAt' | 'operationId' | 'commandId' | 'inputHash'>

export interface TicketUse {
  readonly by: OperationId | CommandId
  readonly at: number
  /** Null where an operation has it. */
  readonly inputHash: string | null
}

const SELECT = `
SELECT id, kind, environment_id AS environmentId, user, uid, role, plan_hash AS planHash, facts,
  needs_name AS needsName, created_at AS createdAt, expires_at AS expiresAt, used_at AS usedAt,
  operation_id AS usedBy, input_hash AS inputHash
FROM tickets WHERE id = @id`

const INSERT = `
INSERT INTO tickets (id, kind, environment_id, user, uid, role, plan_hash, facts, needs_name, created_at, expires_at)
VALUES (@id, @kind, @environmentId, @user, @uid, @role, @planHash, @facts, @needsName, @createdAt, @expiresAt)`

type Kept = Omit<StoredTicket, 'facts' | 'needsName' | 'operationId' | 'commandId'>
/** `usedBy`, the column `operation_id`: of an environment's ticket an operation, of the host's a command. */
type TicketRow = Kept & { facts: string; needsName: number; usedBy: string | null }

export class TicketsTable {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  insert(ticket: NewTicket): void {
    this.db.run(INSERT, { ...ticket, facts: JSON.stringify(ticket.facts), needsName: ticket.needsName ? 1 : 0 })
  }

  find(id: TicketId): StoredTicket | undefined {
    const row = this.db.get<TicketRow>(SELECT, { id })
    if (row === undefined) return undefined
    const { usedBy, ...kept } = row
    const isHosts = row.environmentId === null
    return {
      ...kept,
      facts: JSON.parse(row.facts) as PlanFacts,
      needsName: row.needsName === 1,
      operationId: isHosts ? null : (usedBy as OperationId | null),
      commandId: isHosts ? (usedBy as CommandId | null) : null,
    }
  }

  /** False when it was used before: a ticket works once, whoever asks, however many at the same time. */
  consume(id: TicketId, use: TicketUse): boolean {
    const set = 'used_at = @at, operation_id = @by, input_hash = @inputHash'
    const sql = `UPDATE tickets SET ${set} WHERE id = @id AND used_at IS NULL`
    return this.db.run(sql, { id, ...use }) === 1
  }

  prune(before: number): number {
    return this.db.run('DELETE FROM tickets WHERE created_at < @before', { before })
  }
}
