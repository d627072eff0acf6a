/** Numbered by their place; one that has been released is never edited, only followed by another. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE hosts (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    target TEXT NOT NULL,
    is_wanted INTEGER NOT NULL DEFAULT 1,
    pinned_key_type TEXT,
    pinned_key_fingerprint TEXT,
    added_at INTEGER NOT NULL,
    CHECK ((pinned_key_type IS NULL) = (pinned_key_fingerprint IS NULL))
  ) STRICT;

  CREATE TABLE cached_hosts (
    host_id TEXT PRIMARY KEY REFERENCES hosts(id) ON DELETE CASCADE,
    epoch TEXT,
    seq INTEGER,
    confirmed_at INTEGER
  ) STRICT;

  CREATE TABLE cached_rows (
    host_id TEXT NOT NULL REFERENCES hosts(id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('environment', 'operation')),
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (host_id, kind, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE settings (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;

  CREATE TABLE commands (
    id INTEGER PRIMARY KEY,
    sent_at INTEGER NOT NULL,
    ended_at INTEGER,
    request_id TEXT NOT NULL,
    command_id TEXT,
    host_id TEXT NOT NULL,
    call TEXT NOT NULL,
    outcome TEXT NOT NULL
  ) STRICT;
  CREATE INDEX commands_by_request ON commands (request_id);
  `,
]
