import type { Migration } from '../migrate.ts'

const COLUMNS = `
ALTER TABLE environments ADD COLUMN labels TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(labels));
ALTER TABLE environments ADD COLUMN startup_summary TEXT CHECK (json_valid(startup_summary));
ALTER TABLE environments ADD COLUMN is_counted INTEGER NOT NULL DEFAULT 1 CHECK (is_counted IN (0, 1));
ALTER TABLE environments ADD COLUMN auto_recovered_at INTEGER;
ALTER TABLE homes ADD COLUMN gone_at INTEGER;
ALTER TABLE operations ADD COLUMN params TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(params));`

/** What guests are told at their start, apart from the rows that are read all the time. Values are in it: no log, no answer. */
const STARTUPS = `
CREATE TABLE startups (
  environment_id TEXT PRIMARY KEY REFERENCES environments (id),
  payload TEXT NOT NULL CHECK (json_valid(payload))
) STRICT;`

/** Tickets live for minutes: those of before the upgrade are not carried over, and a new plan is asked for. */
const TICKETS = `
DROP TABLE tickets;
CREATE TABLE tickets (
  id TEXT PRIMARY KEY,
  kind TEXT NOT NULL,
  environment_id TEXT REFERENCES environments (id),
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
CREATE INDEX tickets_environment ON tickets (environment_id);`

/** Labels, start-up, what counts against an owner's limit, the guard of automatic recovery, operations' parameters. */
export const lifecycle: Migration = {
  version: 2,
  name: 'lifecycle',
  up: (raw) => {
    for (const sql of [COLUMNS, STARTUPS, TICKETS]) raw.exec(sql)
  },
}
