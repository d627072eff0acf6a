import type { EnvironmentId, OperationId, RequestId } from '../../src-shared/model/ids.ts'
import type { Actor } from '../../src-shared/model/operation.ts'
import type { Database } from './database.ts'

/** One thing that was done, refused or noticed. Rows are only ever added. */
export interface ActivityEntry {
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
  (at, user, uid, role, claimed_actor, request_id, operation_id, environment_id, action, outcome, detail)
VALUES
  (@at, @user, @uid, @role, @claimedActor, @requestId, @operationId, @environmentId, @action, @outcome, @detail)`

/** The append-only record. Rows are written in the transaction of what they record. */
export class ActivityTable {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  append(entry: ActivityEntry): void {
    const { actor } = entry
    this.db.run(INSERT, {
      at: entry.at,
      user: actor?.user ?? null,
      uid: actor?.uid ?? null,
      role: actor?.role ?? null,
      claimedActor: actor?.claimedActor ?? null,
      requestId: entry.requestId,
      operationId: entry.operationId,
      environmentId: entry.environmentId,
      action: entry.action,
      outcome: entry.outcome,
      detail: JSON.stringify(entry.detail),
    })
  }

  /** Oldest first. */
  list(): ActivityEntry[] {
    return this.db.all<ActivityRow>('SELECT * FROM activity ORDER BY seq').map(toEntry)
  }
}

interface ActivityRow {
  at: number
  user: string | null
  uid: number | null
  role: string | null
  claimed_actor: string | null
  request_id: string | null
  operation_id: string | null
  environment_id: string | null
  action: string
  outcome: string
  detail: string
}

function toEntry(row: ActivityRow): ActivityEntry {
  const { user, uid, role, claimed_actor: claimedActor } = row
  return {
    at: row.at,
    actor: user === null ? null : ({ user, uid, role, claimedActor } as Actor),
    requestId: row.request_id as RequestId | null,
    operationId: row.operation_id as OperationId | null,
    environmentId: row.environment_id as EnvironmentId | null,
    action: row.action,
    outcome: row.outcome,
    detail: JSON.parse(row.detail) as Record<string, unknown>,
  }
}
