import type { Migration } from '../migrate.ts'

/**
 * Points outlive their environment and its row: no foreign key. `listing` names a file of the daemon's own; `key` is how
 * the point's environment is called in the repository.
 */
const POINTS = `
CREATE TABLE recovery_points (
  id TEXT PRIMARY KEY CHECK (length(id) = 64),
  environment_id TEXT NOT NULL,
  repository TEXT NOT NULL,
  path TEXT NOT NULL,
  home_id TEXT NOT NULL,
  image TEXT NOT NULL,
  home_mib INTEGER NOT NULL,
  taken_at INTEGER NOT NULL,
  host_name TEXT NOT NULL,
  bytes INTEGER NOT NULL CHECK (bytes >= 0),
  entries INTEGER NOT NULL CHECK (entries >= 0),
  added_bytes INTEGER NOT NULL,
  duration_ms INTEGER NOT NULL,
  consistency TEXT NOT NULL,
  unreadable_count INTEGER NOT NULL,
  tags TEXT NOT NULL CHECK (json_valid(tags)),
  operation_id TEXT,
  has_listing INTEGER NOT NULL CHECK (has_listing IN (0, 1)),
  verified_at INTEGER,
  drilled_at INTEGER,
  drill_passed INTEGER CHECK (drill_passed IN (0, 1)),
  forgotten_at INTEGER,
  recorded_at INTEGER NOT NULL
) STRICT;
CREATE INDEX recovery_points_environment ON recovery_points (environment_id, taken_at);
CREATE INDEX recovery_points_good ON recovery_points (environment_id, taken_at, verified_at, forgotten_at)
  WHERE forgotten_at IS NULL;`

/** What the daemon knows of an environment's backups beside its points. */
const STATES = `
CREATE TABLE backup_states (
  environment_id TEXT PRIMARY KEY REFERENCES environments (id),
  policy TEXT CHECK (json_valid(policy)),
  problem TEXT,
  problem_at INTEGER,
  attempt_at INTEGER,
  attempt_operation_id TEXT,
  attempt_outcome TEXT,
  attempt_failure TEXT CHECK (json_valid(attempt_failure)),
  failures_in_a_row INTEGER NOT NULL DEFAULT 0,
  next_at INTEGER,
  checked_at INTEGER,
  check_sound INTEGER CHECK (check_sound IN (0, 1)),
  check_detail TEXT,
  check_part INTEGER NOT NULL DEFAULT 0,
  pruned_at INTEGER,
  drilled_at INTEGER,
  drill_passed INTEGER CHECK (drill_passed IN (0, 1)),
  drill_detail TEXT,
  told_freshness TEXT
) STRICT;`

/** Homes that a restore or an undo replaced. Those kept for review are never removed by the daemon itself. */
const KEPT = `
CREATE TABLE kept_homes (
  home_id TEXT PRIMARY KEY REFERENCES homes (id),
  environment_id TEXT NOT NULL REFERENCES environments (id),
  purpose TEXT NOT NULL CHECK (purpose IN ('undo', 'review')),
  operation_id TEXT NOT NULL,
  kept_at INTEGER NOT NULL,
  until INTEGER,
  bytes INTEGER,
  CHECK (purpose = 'review' OR until IS NOT NULL)
) STRICT;
CREATE UNIQUE INDEX kept_homes_undo ON kept_homes (environment_id) WHERE purpose = 'undo';`

/** Guests of drills: the means to find and end each, recorded before anything of it exists. */
const SCRATCH = `
CREATE TABLE scratch_guests (
  operation_id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL,
  driver TEXT NOT NULL,
  home_id TEXT NOT NULL,
  boot_id TEXT NOT NULL,
  record TEXT NOT NULL CHECK (json_valid(record)),
  created_at INTEGER NOT NULL,
  removed_at INTEGER
) STRICT;`

/** Engines' children that work on something of an operation's: pid and start time. */
const CHILDREN = `
CREATE TABLE operation_children (
  operation_id TEXT NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
  pid INTEGER NOT NULL,
  start_ticks TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  PRIMARY KEY (operation_id, pid, start_ticks)
) STRICT;`

/** Recovery points, backup states, homes kept for undo, guests of drills, engines' children, results of operations. */
export const recovery: Migration = {
  version: 5,
  name: 'recovery',
  up: (raw) => {
    for (const sql of [POINTS, STATES, KEPT, SCRATCH, CHILDREN]) raw.exec(sql)
    raw.exec('ALTER TABLE operations ADD COLUMN result TEXT CHECK (json_valid(result))')
  },
}
