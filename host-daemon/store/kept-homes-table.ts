import type { EnvironmentId, HomeId, OperationId } from '../../src-shared/model/ids.ts'
import type { Database } from './database.ts'

/** A home that is not the one its environment points at, and is kept all the same. */
export interface KeptHome {
  readonly homeId: HomeId
  readonly environmentId: EnvironmentId
  /**
   * `review` ones are kept until someone gives them up or destroys the environment: a rollback failed around them, or
   * what took their place never proved itself. What a newer one has taken the place of, or what was given up, is only
   * there to be removed.
   */
  readonly purpose: 'undo' | 'review' | 'removal'
  /** The operation that set it aside. */
  readonly operationId: OperationId
  readonly keptAt: number
  /** Never null for undo. */
  readonly until: number | null
  /** What it took on disk then; null where that could not be told. */
  readonly bytes: number | null
  /** A guest was ready on what took its place, as the operation that set it aside has said itself. */
  readonly isProved: boolean
}

type KeptRow = Omit<KeptHome, 'isProved'> & { readonly isProved: number }

const SELECT = `
SELECT home_id AS homeId, environment_id AS environmentId, purpose, operation_id AS operationId, kept_at AS keptAt,
  until, bytes, is_proved AS isProved
FROM kept_homes`

const KEEP = `
INSERT INTO kept_homes (home_id, environment_id, purpose, operation_id, kept_at, until, bytes, is_proved)
VALUES (@homeId, @environmentId, @purpose, @operationId, @keptAt, @until, @bytes, @isProved)
ON CONFLICT (home_id) DO UPDATE SET purpose = @purpose, operation_id = @operationId, until = @until, bytes = @bytes,
  is_proved = @isProved`

/** Homes that restores replaced. For undo there is one per environment, by a unique index. */
export class KeptHomesTable {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  /** Throws where another home of the environment is kept for undo already. */
  keep(home: KeptHome): void {
    this.db.run(KEEP, { ...home, isProved: home.isProved ? 1 : 0 })
    this.db.touch('backup', home.environmentId)
  }

  /**
   * What took the place of the home that the operation keeps for undo has proved itself. Only inside the transaction that
   * journals the operation's last step.
   */
  setProved({ id, environmentId }: { readonly id: OperationId; readonly environmentId: EnvironmentId }): void {
    this.db.run("UPDATE kept_homes SET is_proved = 1 WHERE operation_id = @id AND purpose = 'undo'", { id })
    this.db.touch('backup', environmentId)
  }

  /** What keeping it costs, as far as it is still kept. */
  setBytes({ homeId, environmentId }: Pick<KeptHome, 'homeId' | 'environmentId'>, bytes: number): void {
    this.db.run('UPDATE kept_homes SET bytes = @bytes WHERE home_id = @homeId', { homeId, bytes })
    this.db.touch('backup', environmentId)
  }

  /** No longer kept: it is in use again, or has been removed. */
  release({ homeId, environmentId }: Pick<KeptHome, 'homeId' | 'environmentId'>): void {
    this.db.run('DELETE FROM kept_homes WHERE home_id = @homeId', { homeId })
    this.db.touch('backup', environmentId)
  }

  find(homeId: HomeId): KeptHome | undefined {
    return kept(this.db.get<KeptRow>(`${SELECT} WHERE home_id = @homeId`, { homeId }))
  }

  undoOf(environmentId: EnvironmentId): KeptHome | undefined {
    const sql = `${SELECT} WHERE environment_id = @environmentId AND purpose = 'undo'`
    return kept(this.db.get<KeptRow>(sql, { environmentId }))
  }

  /** Whatever for; what was set aside first comes first. */
  allOf(environmentId: EnvironmentId): KeptHome[] {
    const sql = `${SELECT} WHERE environment_id = @environmentId ORDER BY kept_at, home_id`
    return this.db.all<KeptRow>(sql, { environmentId }).map(toKept)
  }

  /** Those for review of all environments that are not destroyed. */
  allForReview(): KeptHome[] {
    return this.allOfLiving(`purpose = 'review'`)
  }

  /** Those for undo of all environments that are not destroyed. */
  allForUndo(): KeptHome[] {
    return this.allOfLiving(`purpose = 'undo'`)
  }

  /**
   * Those that are to be removed, at their deadline or as soon as can be, of all environments that are not destroyed.
   */
  allToRemove(): KeptHome[] {
    return this.allOfLiving(`purpose <> 'review'`)
  }

  private allOfLiving(which: string): KeptHome[] {
    const living = 'environment_id IN (SELECT id FROM environments WHERE destroyed_at IS NULL)'
    return this.db.all<KeptRow>(`${SELECT} WHERE ${which} AND ${living} ORDER BY until, kept_at`).map(toKept)
  }
}

function toKept(row: KeptRow): KeptHome {
  return { ...row, isProved: row.isProved === 1 }
}

function kept(row: KeptRow | undefined): KeptHome | undefined {
  return row === undefined ? undefined : toKept(row)
}
