import type { EnvironmentId, OperationId } from '../../src-shared/model/ids.ts'
import { isUniqueViolation, type Database } from './database.ts'

export interface Claim {
  readonly operationId: OperationId
  readonly environmentId: EnvironmentId
  readonly resource: 'guest' | 'home' | 'repository'
  readonly claimedAt: number
}

const INSERT = `
INSERT INTO claims (operation_id, environment_id, resource, mode, claimed_at)
VALUES (@operationId, @environmentId, @resource, @mode, @claimedAt)`

/** Who works on what. That there is one exclusive claim per environment is the unique index's doing, not a check's. */
export class ClaimsTable {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  /** Answers the holder where the environment is claimed already; then nothing was written. */
  takeExclusive(claim: Claim): OperationId | undefined {
    try {
      this.db.run(INSERT, { ...claim, mode: 'exclusive' })
    } catch (error) {
      if (!isUniqueViolation(error)) throw error
      const holder = this.holderOf(claim.environmentId)
      // No holder, and yet no claim: whatever the index says, nobody may believe that they hold it.
      if (holder === undefined) throw error
      return holder
    }
    this.db.touch('environment', claim.environmentId)
    return undefined
  }

  /** Beside whatever other shared claims there are. The caller has made sure that no exclusive one is in flight. */
  takeShared(claim: Claim): void {
    this.db.run(INSERT, { ...claim, mode: 'shared' })
  }

  /** Operations that hold a shared claim on the environment now. */
  sharersOf(environmentId: EnvironmentId): OperationId[] {
    const sql = `
      SELECT DISTINCT operation_id AS id FROM claims
      WHERE environment_id = +@environmentId AND mode = 'shared' AND released_at IS NULL`
    return this.db.all<{ id: OperationId }>(sql, { environmentId }).map(({ id }) => id)
  }

  holderOf(environmentId: EnvironmentId): OperationId | undefined {
    const sql = `
      SELECT operation_id AS id FROM claims
      WHERE environment_id = @environmentId AND mode = 'exclusive' AND released_at IS NULL`
    return this.db.get<{ id: OperationId }>(sql, { environmentId })?.id
  }

  release(operationId: OperationId, at: number): void {
    const open = 'operation_id = @operationId AND released_at IS NULL'
    const held = this.db.all<{ id: string }>(`SELECT environment_id AS id FROM claims WHERE ${open}`, { operationId })
    this.db.run(`UPDATE claims SET released_at = @at WHERE ${open}`, { operationId, at })
    for (const { id } of held) this.db.touch('environment', id)
  }

  /** Releases what operations hold that do not run: no operation will. Answers the environments that were held. */
  releaseStale(at: number): EnvironmentId[] {
    const stale = `
      released_at IS NULL AND operation_id NOT IN (SELECT id FROM operations WHERE status = 'running')`
    const held = this.db.all<{ id: EnvironmentId }>(`SELECT environment_id AS id FROM claims WHERE ${stale}`)
    if (held.length > 0) this.db.run(`UPDATE claims SET released_at = @at WHERE ${stale}`, { at })
    for (const { id } of held) this.db.touch('environment', id)
    return held.map(({ id }) => id)
  }
}
