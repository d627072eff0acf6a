import type { Migration } from '../migrate.ts'

const REBUILD = `
CREATE TABLE kept_homes_new (
  home_id TEXT PRIMARY KEY REFERENCES homes (id),
  environment_id TEXT NOT NULL REFERENCES environments (id),
  purpose TEXT NOT NULL CHECK (purpose IN ('undo', 'review', 'removal')),
  operation_id TEXT NOT NULL,
  kept_at INTEGER NOT NULL,
  until INTEGER,
  bytes INTEGER,
  CHECK (purpose <> 'undo' OR until IS NOT NULL)
) STRICT;
INSERT INTO kept_homes_new (home_id, environment_id, purpose, operation_id, kept_at, until, bytes)
SELECT home_id, environment_id, purpose, operation_id, kept_at, until, bytes FROM kept_homes;
DROP TABLE kept_homes;
ALTER TABLE kept_homes_new RENAME TO kept_homes;
CREATE UNIQUE INDEX kept_homes_undo ON kept_homes (environment_id) WHERE purpose = 'undo';`

/**
 * Homes that a restore took the place of as the one that is kept for undo, and that nobody has positively removed: of a
 * restore that is past its end; one that is to be gone on with behind its swap says so once it is. A home that is in
 * use, or that was swapped in by the operation itself, is none.
 */
const RELEASED = `
INSERT OR IGNORE INTO kept_homes (home_id, environment_id, purpose, operation_id, kept_at, until, bytes)
SELECT h.id, e.id, CASE o.step WHEN 'commit' THEN 'removal' ELSE 'review' END,
  json_extract(o.params, '$.keptBy'), json_extract(o.params, '$.keptAt'), NULL, NULL
FROM operations o
JOIN environments e ON e.id = o.environment_id
JOIN homes h ON h.environment_id = e.id AND h.id = json_extract(o.params, '$.keptHomeId')
WHERE o.kind IN ('restore', 'undo_restore')
  AND json_type(o.params, '$.keptBy') = 'text' AND json_type(o.params, '$.keptAt') = 'integer'
  AND h.id <> json_extract(o.params, '$.newHomeId')
  AND (o.step = 'commit' OR (o.status = 'running' AND e.home_id = json_extract(o.params, '$.newHomeId')))
  AND e.destroyed_at IS NULL AND h.removed_at IS NULL
  AND NOT EXISTS (SELECT 1 FROM environments u WHERE u.home_id = h.id)
  AND NOT EXISTS (SELECT 1 FROM kept_homes k WHERE k.home_id = h.id)`

/**
 * A home that was kept for an earlier undo stays on record until it is positively removed. Those that were taken off it
 * before are put back on.
 */
export const homesToRemove: Migration = {
  version: 7,
  name: 'homes to remove',
  up: (raw) => {
    raw.exec(REBUILD)
    raw.exec(RELEASED)
  },
}
