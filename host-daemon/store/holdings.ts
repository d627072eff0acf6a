import { environmentIdSchema, type BootId, type EnvironmentId, type HomeId } from '../../src-shared/model/ids.ts'
import type { Database } from './database.ts'

/** What the record accounts for: everything of a living environment, and of what an operation works on. */
export interface Holdings {
  readonly homes: ReadonlySet<string>
  readonly boots: ReadonlySet<string>
}

const BUSY = `EXISTS (
  SELECT 1 FROM operations o WHERE o.environment_id = e.id AND o.status = 'running')`

/** A scratch that its operation could not remove is a leftover as soon as that has ended. */
const SCRATCH = `
FROM scratch_guests s JOIN operations o ON o.id = s.operation_id
WHERE s.removed_at IS NULL AND o.status = 'running'`

const HOMES = `
SELECT h.id FROM homes h JOIN environments e ON e.id = h.environment_id
WHERE (e.destroyed_at IS NULL AND h.removed_at IS NULL) OR ${BUSY}
UNION
SELECT e.home_id FROM environments e WHERE e.destroyed_at IS NULL
UNION
SELECT s.home_id ${SCRATCH}`

const BOOTS = `
SELECT b.id FROM boots b JOIN environments e ON e.id = b.environment_id
WHERE (e.destroyed_at IS NULL AND b.ended_at IS NULL) OR ${BUSY}
UNION
SELECT s.boot_id ${SCRATCH}`

export function readHoldings(db: Database): Holdings {
  const ids = (sql: string) => new Set(db.all<{ id: string }>(sql).map(({ id }) => id))
  return { homes: ids(HOMES), boots: ids(BOOTS) }
}

/** What the record says that a home or a boot was; `scratch`: of a drill, or of a restore of files. */
export type RecordedAs = 'own' | 'scratch' | 'unknown'

const OWNER = {
  home: `
SELECT environment_id AS id, 'own' AS recordedAs FROM homes WHERE id = @id
UNION ALL SELECT environment_id, 'scratch' FROM scratch_guests WHERE home_id = @id LIMIT 1`,
  boot: `
SELECT environment_id AS id, 'own' AS recordedAs FROM boots WHERE id = @id
UNION ALL SELECT environment_id, 'scratch' FROM scratch_guests WHERE boot_id = @id LIMIT 1`,
}

/** Of whose environment the record says that it is, or was; null where the record does not know it. */
export function recordedOwner(db: Database, of: { readonly home: HomeId } | { readonly boot: BootId }): RecordedOwner {
  const [sql, id] = 'home' in of ? [OWNER.home, of.home] : [OWNER.boot, of.boot]
  const row = db.get<{ id: string; recordedAs: RecordedAs }>(sql, { id })
  const known = environmentIdSchema.safeParse(row?.id)
  return { recordedAs: row?.recordedAs ?? 'unknown', environmentId: known.success ? known.data : null }
}

interface RecordedOwner {
  readonly recordedAs: RecordedAs
  readonly environmentId: EnvironmentId | null
}
