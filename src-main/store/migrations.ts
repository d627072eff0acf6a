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
  // A cursor from before may belong to the rows of another process. Pinned heads outlive their host: whoever is added
  // again with the same key is held against them.
  `
  ALTER TABLE cached_hosts ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;
  UPDATE cached_hosts SET epoch = NULL, seq = NULL;

  CREATE TABLE pinned_heads (
    host_id TEXT NOT NULL,
    host_key TEXT NOT NULL,
    seq INTEGER NOT NULL CHECK (seq >= 0),
    hash TEXT NOT NULL CHECK (length(hash) = 64),
    seen_at INTEGER NOT NULL,
    is_evidence INTEGER NOT NULL CHECK (is_evidence IN (0, 1)),
    shrank_from INTEGER CHECK (shrank_from > seq),
    PRIMARY KEY (host_id, host_key, seq, hash),
    CHECK (shrank_from IS NULL OR is_evidence = 1)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX pinned_heads_by_key ON pinned_heads (host_key);
  `,
  // Backups are cached too. A cursor from before is of a state without them: the next contact reads the whole.
  `
  CREATE TABLE cached_rows_with_backups (
    host_id TEXT NOT NULL REFERENCES hosts(id) ON DELETE CASCADE,
    kind TEXT NOT NULL CHECK (kind IN ('environment', 'operation', 'backup')),
    id TEXT NOT NULL,
    body TEXT NOT NULL,
    PRIMARY KEY (host_id, kind, id)
  ) STRICT, WITHOUT ROWID;
  INSERT INTO cached_rows_with_backups SELECT host_id, kind, id, body FROM cached_rows;
  DROP TABLE cached_rows;
  ALTER TABLE cached_rows_with_backups RENAME TO cached_rows;
  UPDATE cached_hosts SET epoch = NULL, seq = NULL;
  `,
]
