import { recoveryPointSchema, type RecoveryPoint } from '../../src-shared/model/recovery-point.ts'
import type { EnvironmentId, RecoveryPointId, RecoveryPointRef } from '../../src-shared/model/ids.ts'
import type { Database } from './database.ts'
import { without } from './without.ts'

/** A recovery point with what only the daemon needs to know of it. */
export interface StoredPoint extends RecoveryPoint {
  /** Where it is; see `RepositoryLocation`. */
  readonly repository: string
  /** The path that restic recorded for it. */
  readonly path: string
  readonly recordedAt: number
}

/** What only its backup knew of a point; in the database -1 where nobody does any more: its columns are never null. */
const UNKNOWN = -1

const COLUMNS = `
  id, environment_id AS environmentId, repository, path, home_id AS homeId, image, home_mib AS homeMiB,
  taken_at AS takenAt, host_name AS hostName, bytes, entries, NULLIF(added_bytes, -1) AS addedBytes,
  NULLIF(duration_ms, -1) AS durationMs, consistency, NULLIF(unreadable_count, -1) AS unreadableCount, tags,
  operation_id AS operationId, has_listing AS hasListing,
  verified_at AS verifiedAt, drilled_at AS drilledAt, drill_passed AS drillPassed, forgotten_at AS forgottenAt,
  recorded_at AS recordedAt`

const INSERT = `
INSERT INTO recovery_points
  (id, environment_id, repository, path, home_id, image, home_mib, taken_at, host_name, bytes, entries, added_bytes,
   duration_ms, consistency, unreadable_count, tags, operation_id, has_listing, recorded_at)
VALUES
  (@id, @environmentId, @repository, @path, @homeId, @image, @homeMiB, @takenAt, @hostName, @bytes, @entries,
   @addedBytes, @durationMs, @consistency, @unreadableCount, @tags, @operationId, @hasListing, @recordedAt)
ON CONFLICT (id) DO NOTHING`

/** The newest point, and what is known of all of them together. */
export interface NewestPoint {
  readonly pointCount: number
  readonly lastVerifiedAt: number | null
  /** Null where its row is malformed. */
  readonly point: StoredPoint | null
}

/** Counted in the index alone, which has all that is asked; then one row is looked up for each. */
const newestOf = (which: string) => `
SELECT ${COLUMNS}, point_count AS pointCount, newest_verified_at AS lastVerifiedAt FROM (
  SELECT environment_id AS of_id, COUNT(*) AS point_count, MAX(taken_at) AS newest_at,
    MAX(verified_at) AS newest_verified_at
  FROM recovery_points INDEXED BY recovery_points_good
  WHERE forgotten_at IS NULL AND ${which} GROUP BY environment_id
) CROSS JOIN recovery_points INDEXED BY recovery_points_good
  ON environment_id = of_id AND taken_at = newest_at AND forgotten_at IS NULL`
const NEWEST_OF_LIVING = newestOf('environment_id IN (SELECT id FROM environments WHERE destroyed_at IS NULL)')
const NEWEST_OF_ONE = newestOf('environment_id = @environmentId')

type NewestRow = Row & Omit<NewestPoint, 'point'>

type Row = Record<string, unknown> & { readonly id: string; readonly environmentId: string }

export type NewPoint = Omit<StoredPoint, 'verifiedAt' | 'drilledAt' | 'hasPassedDrill' | 'forgottenAt'>

export interface PointFilter {
  readonly environmentId: EnvironmentId
  readonly isForgottenIncluded?: boolean
  readonly before?: number | undefined
  readonly limit?: number
}

/** Recovery points, as recorded when they were made. A row that does not read as a point is in no answer. */
export class PointsTable {
  private readonly db: Database
  /** Rows as they were last read, and what they were read as: most have not changed since. */
  private readonly read = new Map<string, { readonly row: Row; readonly point: StoredPoint | null }>()

  constructor(db: Database) {
    this.db = db
  }

  /** A point that is recorded already stays as it is. */
  insert(point: NewPoint): void {
    const { tags, hasListing, addedBytes, durationMs, unreadableCount, ...fields } = point
    this.db.run(INSERT, {
      ...fields,
      tags: JSON.stringify(tags),
      hasListing: hasListing ? 1 : 0,
      addedBytes: addedBytes ?? UNKNOWN,
      durationMs: durationMs ?? UNKNOWN,
      unreadableCount: unreadableCount ?? UNKNOWN,
    })
    this.db.touch('backup', point.environmentId)
  }

  /** Whoever's it is. */
  find(id: RecoveryPointId): StoredPoint | undefined {
    return toPoint(this.db.get<Row>(`SELECT ${COLUMNS} FROM recovery_points WHERE id = @id`, { id }))
  }

  /** Also where its row is malformed, or it has been forgotten. */
  isOnRecord(id: RecoveryPointId): boolean {
    return this.db.get('SELECT 1 FROM recovery_points WHERE id = @id', { id }) !== undefined
  }

  /** Newest first. */
  list({ environmentId, isForgottenIncluded = false, before, limit = 1000 }: PointFilter): StoredPoint[] {
    const where = [
      'environment_id = @environmentId',
      ...(isForgottenIncluded ? [] : ['forgotten_at IS NULL']),
      ...(before === undefined ? [] : ['taken_at < @before']),
    ].join(' AND ')
    const sql = `SELECT ${COLUMNS} FROM recovery_points WHERE ${where} ORDER BY taken_at DESC, id LIMIT @limit`
    const rows = this.db.all<Row>(sql, { environmentId, before: before ?? null, limit })
    return rows.map(toPoint).filter((point) => point !== undefined)
  }

  /**
   * Everything that `ref` may mean among all points on record, of whatever environment, those forgotten included: at
   * most three, `latest` never; null for one whose row is malformed. The caller decides what one, none or several mean.
   */
  candidates(ref: RecoveryPointRef): (StoredPoint | null)[] {
    const end = `${ref}g`
    const sql = `SELECT ${COLUMNS} FROM recovery_points WHERE id >= @ref AND id < @end ORDER BY id LIMIT 3`
    return this.db.all<Row>(sql, { ref, end }).map((row) => toPoint(row) ?? null)
  }

  /** Points that are there as far as is known are on record as being at that place, whosever they are. */
  isAnyAt(repository: string): boolean {
    const sql = 'SELECT 1 FROM recovery_points WHERE repository = @repository AND forgotten_at IS NULL LIMIT 1'
    return this.db.get(sql, { repository }) !== undefined
  }

  /** Of every living environment that has points that are not forgotten, or of one. */
  newest(environmentId?: EnvironmentId): Map<EnvironmentId, NewestPoint> {
    const sql = environmentId === undefined ? NEWEST_OF_LIVING : NEWEST_OF_ONE
    const rows = this.db.all<NewestRow>(sql, environmentId === undefined ? {} : { environmentId })
    const first = new Map<string, NewestRow>()
    for (const row of rows) {
      const other = first.get(row.environmentId)
      // Of those that were taken at the same time, the one that `list` tells first.
      if (other === undefined || row.id < other.id) first.set(row.environmentId, row)
    }
    const found = new Map<EnvironmentId, NewestPoint>()
    for (const row of first.values()) {
      const { pointCount, lastVerifiedAt } = row
      found.set(row.environmentId as EnvironmentId, { pointCount, lastVerifiedAt, point: this.newestPoint(row) })
    }
    return found
  }

  /** The same object for the same row. */
  private newestPoint(row: Row): StoredPoint | null {
    const known = this.read.get(row.environmentId)
    if (known !== undefined && isSameRow(known.row, row)) return known.point
    const point = toPoint({ ...row }) ?? null
    this.read.set(row.environmentId, { row, point })
    return point
  }

  /** Some row of the environment's points is malformed: its points cannot be relied on to be all there are. */
  countUnreadable(environmentId: EnvironmentId): number {
    const sql = `SELECT ${COLUMNS} FROM recovery_points WHERE environment_id = @environmentId AND forgotten_at IS NULL`
    return this.db.all<Row>(sql, { environmentId }).filter((row) => toPoint(row) === undefined).length
  }

  setVerified({ id, environmentId }: Pick<StoredPoint, 'id' | 'environmentId'>, at: number): void {
    this.db.run('UPDATE recovery_points SET verified_at = MAX(COALESCE(verified_at, 0), @at) WHERE id = @id', {
      id,
      at,
    })
    this.db.touch('backup', environmentId)
  }

  setDrilled({ id, environmentId }: Pick<StoredPoint, 'id' | 'environmentId'>, at: number, hasPassed: boolean): void {
    const sql = 'UPDATE recovery_points SET drilled_at = @at, drill_passed = @passed WHERE id = @id'
    this.db.run(sql, { id, at, passed: hasPassed ? 1 : 0 })
    this.db.touch('backup', environmentId)
  }

  setListed({ id, environmentId }: Pick<StoredPoint, 'id' | 'environmentId'>, hasListing: boolean): void {
    const sql = 'UPDATE recovery_points SET has_listing = @hasListing WHERE id = @id'
    this.db.run(sql, { id, hasListing: hasListing ? 1 : 0 })
    this.db.touch('backup', environmentId)
  }

  /** It is in that repository, wherever it was said to be, and whether or not it was said to be gone. */
  setFound({ id, environmentId }: Pick<StoredPoint, 'id' | 'environmentId'>, repository: string): void {
    const sql = 'UPDATE recovery_points SET repository = @repository, forgotten_at = NULL WHERE id = @id'
    this.db.run(sql, { id, repository })
    this.db.touch('backup', environmentId)
  }

  setForgotten({ id, environmentId }: Pick<StoredPoint, 'id' | 'environmentId'>, at: number): void {
    this.db.run('UPDATE recovery_points SET forgotten_at = COALESCE(forgotten_at, @at) WHERE id = @id', { id, at })
    this.db.touch('backup', environmentId)
  }
}

/** Column by column, whatever type each is of. */
function isSameRow(one: Row, other: Row): boolean {
  for (const column in other) if (one[column] !== other[column]) return false
  return true
}

/** Changes the row. */
function toPoint(row: Row | undefined): StoredPoint | undefined {
  if (row === undefined) return undefined
  const { drillPassed, hasListing, tags, repository, path, recordedAt } = row as unknown as ReadPoint
  const read: Record<string, unknown> = row
  read['tags'] = parsed(tags)
  read['hasListing'] = hasListing === 1
  read['hasPassedDrill'] = drillPassed === null ? null : drillPassed === 1
  const point = recoveryPointSchema.safeParse(read).data
  return point === undefined ? undefined : Object.assign(point, { repository, path, recordedAt })
}

interface ReadPoint extends Pick<StoredPoint, 'repository' | 'path' | 'recordedAt'> {
  readonly drillPassed: number | null
  readonly hasListing: number
  readonly tags: string
}

function parsed(text: unknown): unknown {
  try {
    return JSON.parse(String(text))
  } catch {
    return undefined
  }
}

/** What goes over the wire: the contract's fields alone. */
export function toWirePoint(stored: StoredPoint): RecoveryPoint {
  return without(stored, ['repository', 'path', 'recordedAt'])
}
