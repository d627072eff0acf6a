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

/** A home that was kept for an earlier undo stays on record until it is positively removed. */
export const homesToRemove: Migration = {
  version: 7,
  name: 'homes to remove',
  up: (raw) => {
    raw.exec(REBUILD)
  },
}
