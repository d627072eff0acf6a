import {
  CHAIN_START,
  type ActivityEntry,
  type ActivityHead,
  type ChainedFacts,
} from '../../src-shared/model/activity.ts'
import {
  environmentIdSchema,
  environmentNameSchema,
  operationIdSchema,
  requestIdSchema,
  type EnvironmentId,
  type EnvironmentName,
  type OperationId,
  type RequestId,
} from '../../src-shared/model/ids.ts'
import type { Actor } from '../../src-shared/model/operation.ts'
import { selectActivity, type ActivityQuery } from './activity-query.ts'
import { boundDetail, detailText, hashOfEntry, toActivityEntry, type ActivityRow } from './activity-row.ts'
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

/** SQLite keeps no half of a surrogate pair: what is hashed must be what will be read. */
function wellFormed(actor: Actor | null): Actor | null {
  if (actor === null) return null
  const claimedActor = actor.claimedActor === null ? null : (actor.claimedActor.toWellFormed() as Actor['claimedActor'])
  return { ...actor, user: actor.user.toWellFormed(), claimedActor }
}

/** An id out of malformed state would make an entry that nobody can read: it goes to the detail instead. */
function readable(entry: NewActivity): NewActivity {
  const { environmentId, operationId, requestId } = entry
  const ids = {
    environmentId: environmentIdSchema.safeParse(environmentId).data ?? null,
    operationId: operationIdSchema.safeParse(operationId).data ?? null,
    requestId: requestIdSchema.safeParse(requestId).data ?? null,
  }
  const isFit = ids.environmentId === environmentId && ids.operationId === operationId && ids.requestId === requestId
  const detail = isFit ? entry.detail : { ...entry.detail, malformedIds: { environmentId, operationId, requestId } }
  const [action, outcome] = [entry.action.toWellFormed(), entry.outcome.toWellFormed()]
  return { ...entry, ...ids, actor: wellFormed(entry.actor), action, outcome, detail }
}

/**
 * The append-only record, each row chained to the one before it by hash. Rows are written in the transaction of what
 * they record.
 */
export class ActivityTable {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  append(said: NewActivity): void {
    const entry = readable(said)
    const { actor, detail: kept, ...fields } = entry
    const head = this.head()
    const detail = detailText(boundDetail(kept))
    const environmentName = this.nameOf(entry.environmentId)
    const chained = { ...fields, actor, environmentName, seq: head.seq + 1 }
    // The detail is hashed as it will be read, not as it was said.
    const facts: ChainedFacts = { ...chained, detail: JSON.parse(detail) as Record<string, unknown> }
    const hash = hashOfEntry(head.hash, facts)
    const who = actor ?? { user: null, uid: null, role: null, claimedActor: null }
    this.db.run(INSERT, { ...fields, ...who, environmentName, seq: facts.seq, detail, hash })
  }

  /** The end of the chain. */
  head(): ActivityHead {
    return this.db.get<ActivityHead>('SELECT seq, hash FROM activity ORDER BY seq DESC LIMIT 1') ?? CHAIN_START
  }

  /** All of it, oldest first, where nothing else is asked for. */
  list(query: ActivityQuery = {}): ActivityEntry[] {
    const { sql, bindings } = selectActivity(query)
    return this.db.all<ActivityRow & { hash: string }>(sql, bindings).map(toActivityEntry)
  }

  private nameOf(id: EnvironmentId | null): EnvironmentName | null {
    if (id === null) return null
    const row = this.db.get<{ name: string }>('SELECT name FROM environments WHERE id = @id', { id })
    // Of a malformed environment, the id alone is recorded.
    return environmentNameSchema.safeParse(row?.name).data ?? null
  }
}
