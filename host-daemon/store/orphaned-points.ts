import { orphanedPointsSchema, type OrphanedPoints } from '../../src-shared/model/adopted-points.ts'
import type { Database } from './database.ts'

const MOST = 1000
const ORPHANED = `
SELECT p.environment_id AS environmentId, e.name AS environmentName, e.destroyed_at AS destroyedAt,
  COUNT(*) AS pointCount, MAX(p.taken_at) AS newestTakenAt
FROM recovery_points p LEFT JOIN environments e ON e.id = p.environment_id
WHERE p.forgotten_at IS NULL AND (e.id IS NULL OR e.destroyed_at IS NOT NULL)
GROUP BY p.environment_id ORDER BY newestTakenAt DESC, p.environment_id LIMIT ${MOST}`

/**
 * Environments that are not there any more and whose points are, as far as is known: the 1,000 with the newest ones. One
 * whose row is malformed is not among them.
 */
export function listOrphaned(db: Database): OrphanedPoints[] {
  const rows = db.all<Record<string, unknown>>(ORPHANED)
  return rows.map((row) => orphanedPointsSchema.safeParse(row).data).filter((row) => row !== undefined)
}
