import type { Migration } from '../migrate.ts'

const COLUMN = `
ALTER TABLE kept_homes ADD COLUMN is_proved INTEGER NOT NULL DEFAULT 0 CHECK (is_proved IN (0, 1))`

/** Asked for by retention of each operation that it might forget, and by every plan. */
const INDEXES = `
CREATE INDEX kept_homes_operation ON kept_homes (operation_id);
CREATE INDEX kept_homes_environment ON kept_homes (environment_id)`

/** Whatever the outcome: behind the beginning of its last step nothing is undone any more. */
const FROM_OPERATIONS = `
UPDATE kept_homes SET is_proved = 1
WHERE purpose = 'undo' AND EXISTS (
  SELECT 1 FROM operations o
  WHERE o.id = kept_homes.operation_id AND o.environment_id = kept_homes.environment_id
    AND o.kind IN ('restore', 'undo_restore') AND o.step = 'commit'
)`

/**
 * Whether what took the place of a kept home has proved itself is on record with that home. Of those that were kept
 * before, their operation says so; where that is not known any more, nothing is proved.
 */
export const provedHomes: Migration = {
  version: 8,
  name: 'proved homes',
  up: (raw) => {
    for (const sql of [COLUMN, INDEXES, FROM_OPERATIONS]) raw.exec(sql)
  },
}
