import {
  CHAIN_START,
  type ActivityEntry,
  type ActivityHead,
  type ChainedFacts,
} from '../../src-shared/model/activity.ts'
import type { EnvironmentId, EnvironmentName, OperationId, RequestId } from '../../src-shared/model/ids.ts'
import type { Actor } from '../../src-shared/model/operation.ts'
import { hashOfEntry, toActivityEntry, type ActivityRow } from './activity-row.ts'
import type { Database } from './database.ts'

/** What is to be recorded; its place in the chain is the table's to give. */
export interface NewActivity {
  readonly at: number
  /** Null for what the daemon did or noticed by itself. */
  readonly actor: Actor | null
  readonly requestId: RequestId | null
  readonly operationId: OperationId | null
  readonly environmentId: EnvironmentId | null
  /** Such as `spawn`, `owner.put`, `environment.lost`. */
  readonly action: string
  /** Such as `accepted`, `succeeded`, `failed`, `refused`. */
  readonly outcome: string
  /** Facts, never secrets. */
  readonly detail: Readonly<Record<string, unknown>>
}

const INSERT = `
INSERT INTO activity
  (seq, at, user, uid, role, claimed_actor, request_id, operation_id, environment_id, environment_name, action, outcome,
   detail, hash)
VALUES
  (@seq, @at, @user, @uid, @role, @claimedActor, @requestId, @operationId, @environmentId, @environmentName, @action,
   @outcome, @detail, @hash)`

/**
 * The append-only record, each row chained to the one before it by hash. Rows are written in the transaction of what
 * they record.
 */
export class ActivityTable {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  append(entry: NewActivity): void {
    const { actor, detail: said, ...fields } = entry
    const head = this.head()
    const detail = JSON.stringify(said)
    const environmentName = this.nameOf(entry.environmentId)
    const chained = { ...fields, actor, environmentName, seq: head.seq + 1 }
    // The detail is hashed as it will be read, not as it was said: what JSON drops is not part of the record.
    const facts: ChainedFacts = { ...chained, detail: JSON.parse(detail) as Record<string, unknown> }
    const hash = hashOfEntry(head.hash, facts)
    const who = actor ?? { user: null, uid: null, role: null, claimedActor: null }
    this.db.run(INSERT, { ...fields, ...who, environmentName, seq: facts.seq, detail, hash })
  }

  /** The end of the chain. */
  head(): ActivityHead {
    return this.db.get<ActivityHead>('SELECT seq, hash FROM activity ORDER BY seq DESC LIMIT 1') ?? CHAIN_START
  }

  /** Oldest first. */
  list(): ActivityEntry[] {
    return this.db.all<ActivityRow & { hash: string }>('SELECT * FROM activity ORDER BY seq').map(toActivityEntry)
  }

  private nameOf(id: EnvironmentId | null): EnvironmentName | null {
    if (id === null) return null
    return this.db.get<{ name: EnvironmentName }>('SELECT name FROM environments WHERE id = @id', { id })?.name ?? null
  }
}
