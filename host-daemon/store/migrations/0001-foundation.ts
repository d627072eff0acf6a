import type { Migration } from '../migrate.ts'

const OWNERS = `
CREATE TABLE owners (
  name TEXT PRIMARY KEY,
  note TEXT NOT NULL,
  is_active INTEGER NOT NULL CHECK (is_active IN (0, 1)),
  max_environments INTEGER CHECK (max_environments >= 1)
) STRICT;`

const ENVIRONMENTS = `
CREATE TABLE environments (
  id TEXT PRIMARY KEY,
  name TEXT NOT NULL,
  owner TEXT NOT NULL REFERENCES owners (name),
  image TEXT NOT NULL,
  driver TEXT NOT NULL,
  cpus INTEGER NOT NULL CHECK (cpus >= 1),
  memory_mib INTEGER NOT NULL CHECK (memory_mib >= 1),
  home_mib INTEGER NOT NULL CHECK (home_mib >= 1),
  home_id TEXT NOT NULL REFERENCES homes (id) DEFERRABLE INITIALLY DEFERRED,
  boot_id TEXT REFERENCES boots (id),
  desired TEXT NOT NULL CHECK (desired IN ('running', 'stopped')),
  observed TEXT NOT NULL CHECK (json_valid(observed)),
  observed_at INTEGER NOT NULL,
  generation INTEGER NOT NULL CHECK (generation >= 1),
  guest_uid INTEGER NOT NULL,
  is_protected INTEGER NOT NULL CHECK (is_protected IN (0, 1)),
  created_at INTEGER NOT NULL,
  destroyed_at INTEGER
) STRICT;
CREATE UNIQUE INDEX environments_live_name ON environments (name) WHERE destroyed_at IS NULL;
CREATE UNIQUE INDEX environments_live_guest_uid ON environments (guest_uid) WHERE destroyed_at IS NULL;
CREATE INDEX environments_live_owner ON environments (owner) WHERE destroyed_at IS NULL;

CREATE TABLE homes (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  size_mib INTEGER NOT NULL,
  made_at INTEGER,
  removed_at INTEGER
) STRICT;
CREATE INDEX homes_environment ON homes (environment_id);

CREATE TABLE boots (
  id TEXT PRIMARY KEY,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  ordinal INTEGER NOT NULL CHECK (ordinal >= 1),
  operation_id TEXT NOT NULL,
  record TEXT NOT NULL CHECK (json_valid(record)),
  journal_path TEXT NOT NULL,
  started_at INTEGER NOT NULL,
  ended_at INTEGER
) STRICT;
CREATE UNIQUE INDEX boots_ordinal ON boots (environment_id, ordinal);
CREATE UNIQUE INDEX boots_live ON boots (environment_id) WHERE ended_at IS NULL;

CREATE TABLE console_gaps (
  boot_id TEXT NOT NULL REFERENCES boots (id),
  offset INTEGER NOT NULL CHECK (offset >= 0),
  length INTEGER CHECK (length >= 0),
  reason TEXT NOT NULL,
  PRIMARY KEY (boot_id, offset)
) STRICT;`

const OPERATIONS = `
CREATE TABLE operations (
  id TEXT PRIMARY KEY,
  ordinal INTEGER NOT NULL UNIQUE,
  kind TEXT NOT NULL,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  environment_name TEXT NOT NULL,
  command_id TEXT NOT NULL,
  request_id TEXT NOT NULL,
  user TEXT NOT NULL,
  uid INTEGER NOT NULL,
  role TEXT NOT NULL,
  claimed_actor TEXT,
  status TEXT NOT NULL CHECK (status IN ('running', 'succeeded', 'failed', 'cancelled')),
  failure TEXT CHECK (json_valid(failure)),
  direction TEXT NOT NULL CHECK (direction IN ('forward', 'undo')),
  undo_cause TEXT CHECK (json_valid(undo_cause)),
  step TEXT NOT NULL,
  step_index INTEGER NOT NULL,
  step_count INTEGER NOT NULL,
  phase TEXT,
  attempt INTEGER,
  is_cancellable INTEGER NOT NULL CHECK (is_cancellable IN (0, 1)),
  cancel_requested_at INTEGER,
  resumptions INTEGER NOT NULL,
  requested_at INTEGER NOT NULL,
  ended_at INTEGER,
  CHECK ((status = 'running') = (ended_at IS NULL)),
  CHECK ((status = 'failed') = (failure IS NOT NULL))
) STRICT;
CREATE INDEX operations_running ON operations (ordinal) WHERE status = 'running';
CREATE INDEX operations_environment ON operations (environment_id, ordinal);

CREATE TABLE operation_steps (
  id INTEGER PRIMARY KEY,
  operation_id TEXT NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
  direction TEXT NOT NULL,
  step TEXT NOT NULL,
  step_index INTEGER NOT NULL,
  attempt INTEGER,
  started_at INTEGER NOT NULL,
  ended_at INTEGER,
  outcome TEXT,
  detail TEXT
) STRICT;
CREATE INDEX operation_steps_operation ON operation_steps (operation_id);

CREATE TABLE commands (
  id TEXT PRIMARY KEY,
  user TEXT NOT NULL,
  uid INTEGER NOT NULL,
  input_hash TEXT NOT NULL,
  operation_id TEXT NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
  created_at INTEGER NOT NULL
) STRICT;
CREATE INDEX commands_operation ON commands (operation_id);

CREATE TABLE claims (
  id INTEGER PRIMARY KEY,
  operation_id TEXT NOT NULL REFERENCES operations (id) ON DELETE CASCADE,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  resource TEXT NOT NULL,
  mode TEXT NOT NULL CHECK (mode IN ('exclusive', 'shared')),
  claimed_at INTEGER NOT NULL,
  released_at INTEGER
) STRICT;
CREATE UNIQUE INDEX claims_in_flight ON claims (environment_id) WHERE mode = 'exclusive' AND released_at IS NULL;
CREATE INDEX claims_operation ON claims (operation_id);`

const RECORD = `
CREATE TABLE tickets (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  environment_id TEXT NOT NULL REFERENCES environments (id),
  user TEXT NOT NULL,
  uid INTEGER NOT NULL,
  role TEXT NOT NULL,
  plan_hash TEXT NOT NULL,
  facts TEXT NOT NULL CHECK (json_valid(facts)),
  needs_name INTEGER NOT NULL CHECK (needs_name IN (0, 1)),
  created_at INTEGER NOT NULL,
  expires_at INTEGER NOT NULL,
  used_at INTEGER,
  operation_id TEXT
) STRICT;
CREATE INDEX tickets_created ON tickets (created_at);

CREATE TABLE activity (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  at INTEGER NOT NULL,
  user TEXT,
  uid INTEGER,
  role TEXT,
  claimed_actor TEXT,
  request_id TEXT,
  operation_id TEXT,
  environment_id TEXT,
  action TEXT NOT NULL,
  outcome TEXT NOT NULL,
  detail TEXT NOT NULL CHECK (json_valid(detail))
) STRICT;
CREATE TRIGGER activity_keeps_rows BEFORE DELETE ON activity
BEGIN SELECT RAISE(ABORT, 'activity is append-only'); END;
CREATE TRIGGER activity_keeps_content BEFORE UPDATE ON activity
BEGIN SELECT RAISE(ABORT, 'activity is append-only'); END;`

/** The first schema: owners and their limit, environments, operations with journal and claims, tickets, activity. */
export const foundation: Migration = {
  version: 1,
  name: 'foundation',
  up: (raw) => {
    for (const sql of [OWNERS, ENVIRONMENTS, OPERATIONS, RECORD]) raw.exec(sql)
  },
}
