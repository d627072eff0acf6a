import type { EnvironmentId, HomeId, OperationId } from '../../src-shared/model/ids.ts'
import type { Database } from './database.ts'

/** A home that is not the one its environment points at, and is kept all the same. */
export interface KeptHome {
  readonly homeId: HomeId
  readonly environmentId: EnvironmentId
  /**
   * `review` ones are kept until someone destroys the environment: a rollback failed around them. What was kept for an
   * undo that a newer one has taken the place of is only there to be removed.
   */
  readonly purpose: 'undo' | 'review' | 'removal'
  /** The operation that set it aside. */
  readonly operationId: OperationId
  readonly keptAt: number
  /** Never null for undo. */
  readonly until: number | null
  /** What it took on disk then; null where that could not be told. */
  readonly bytes: number | null
}

const SELECT = `
SELECT home_id AS homeId, environment_id AS environmentId, purpose, operation_id AS operationId, kept_at AS keptAt,
  until, bytes
FROM kept_homes`

const KEEP = `
INSERT INTO kept_homes (home_id, environment_id, purpose, operation_id, kept_at, until, bytes)
VALUES (@homeId, @environmentId, @purpose, @operationId, @keptAt, @until, @bytes)
ON CONFLICT (home_id) DO UPDATE SET purpose = @purpose, operation_id = @operationId, until = @until, bytes = @bytes`

/** Homes that restores replaced. For undo there is one per environment, by a unique index. */
export class KeptHomesTable {
  private readonly db: Database

  constructor(db: Database) {
    this.db = db
  }

  /** Throws where another home of the environment is kept for undo already. */
  keep(home: KeptHome): void {
    this.db.run(KEEP, { ...home })
    this.db.touch('backup', home.environmentId)
  }

  /** No longer kept: it is in use again, or has been removed. */
  release({ homeId, environmentId }: Pick<KeptHome, 'homeId' | 'environmentId'>): void {
    this.db.run('DELETE FROM kept_homes WHERE home_id = @homeId', { homeId })
    this.db.touch('backup', environmentId)
  }

  find(homeId: HomeId): KeptHome | undefined {
    return this.db.get<KeptHome>(`${SELECT} WHERE home_id = @homeId`, { homeId })
  }

  undoOf(environmentId: EnvironmentId): KeptHome | undefined {
    return this.db.get<KeptHome>(`${SELECT} WHERE environment_id = @environmentId AND purpose = 'undo'`, {
      environmentId,
    })
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
    return this.db.all<KeptHome>(`${SELECT} WHERE ${which} AND ${living} ORDER BY until`)
  }
}
