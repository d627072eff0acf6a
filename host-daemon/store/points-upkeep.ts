import type { EnvironmentId, RecoveryPointId } from '../../src-shared/model/ids.ts'
import type { Database } from './database.ts'
import type { StoredPoint } from './points-table.ts'

/**
 * How long a point that is no longer in its repository stays on record, in milliseconds: a month, so that who names it
 * is told that it is gone, and not that there never was one.
 */
export const FORGOTTEN_KEPT_MS = 30 * 24 * 60 * 60 * 1000

/** Rows in one transaction: a few milliseconds. */
const BATCH = 1_000

type Place = Pick<StoredPoint, 'environmentId' | 'repository'>

const AT = `
SELECT id, taken_at AS takenAt FROM recovery_points
WHERE environment_id = @environmentId AND repository = @repository AND forgotten_at IS NULL
ORDER BY taken_at DESC, id`

const LISTED = `
SELECT id FROM recovery_points
WHERE environment_id = @environmentId AND forgotten_at IS NOT NULL AND has_listing = 1`

const VERIFY = `
UPDATE recovery_points SET verified_at = MAX(COALESCE(verified_at, 0), @at)
WHERE environment_id = @environmentId AND repository = @repository AND forgotten_at IS NULL AND recorded_at <= @since`

/** Whoever made it, or is at work with it, may ask for it again; and its listing is found by its row alone. */
const DROP = `
DELETE FROM recovery_points WHERE id IN (
  SELECT p.id FROM recovery_points p
  WHERE p.environment_id = @environmentId AND p.forgotten_at < @before AND p.has_listing = 0
    AND NOT EXISTS (SELECT 1 FROM operations o WHERE o.id = p.operation_id)
    AND NOT EXISTS (SELECT 1 FROM operations o WHERE o.status = 'running' AND instr(o.params, p.id) > 0)
  LIMIT ${BATCH})`

/** As much of a point as is told when it is gone. */
export type PointAt = Pick<StoredPoint, 'id' | 'takenAt'>

/** Those that are said to be at that place, newest first, rows that do not read as points included. */
export function listPointsAt(db: Database, place: Place): PointAt[] {
  return db.all<PointAt>(AT, { ...place })
}

/** Of an environment's points that are gone, those whose listings are still kept. */
export function listForgottenListings(db: Database, environmentId: EnvironmentId): RecoveryPointId[] {
  return db.all<{ id: RecoveryPointId }>(LISTED, { environmentId }).map(({ id }) => id)
}

/** All data at that place was read, and found good: what was recorded by `since` is verified. */
export function verifyPointsAt(
  db: Database,
  place: Place,
  { at, since }: { readonly at: number; readonly since: number },
): void {
  db.run(VERIFY, { ...place, at, since })
  db.touch('backup', place.environmentId)
}

/**
 * Drops what the environment's record has of points that are gone: rows forgotten before `before`, whose listings are
 * removed, and which no operation on record made and none that runs names. Whatever else tells of a point by its id (the
 * activity, results of operations) needs no row. Answers whether there may be more: a call takes a few at a time.
 */
export function dropForgottenPoints(db: Database, environmentId: EnvironmentId, before: number): boolean {
  return db.run(DROP, { environmentId, before }) === BATCH
}
