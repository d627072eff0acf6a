import type BetterSqlite3 from 'better-sqlite3'

/**
 * One numbered step of the schema. `up` runs in a transaction of its own. A migration that adds a constraint first
 * settles the rows that break it, and says in its comment how.
 */
export interface Migration {
  readonly version: number
  readonly name: string
  readonly up: (raw: BetterSqlite3.Database) => void
}

interface MigrateOptions {
  /** In rising order of version, without holes, from 1. */
  readonly migrations: readonly Migration[]
  readonly appliedAt: number
}

/** The file was written by a newer version of the daemon; nothing was changed. */
export class NewerDatabaseError extends Error {
  constructor(found: number, known: number) {
    super(
      `The database has schema version ${found}; this daemon knows versions up to ${known}. ` +
        'Run the newer daemon, or restore the database that was kept before the upgrade.',
    )
    this.name = 'NewerDatabaseError'
  }
}

/** Applies what is missing, each migration wholly or not at all. */
export function migrate(raw: BetterSqlite3.Database, { migrations, appliedAt }: MigrateOptions): void {
  raw.exec('CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, name TEXT, applied_at INTEGER) STRICT')
  const found = currentVersion(raw)
  const known = migrations.at(-1)?.version ?? 0
  if (found > known) throw new NewerDatabaseError(found, known)
  for (const migration of migrations.filter(({ version }) => version > found)) {
    raw
      .transaction(() => {
        migration.up(raw)
        raw
          .prepare('INSERT INTO migrations (version, name, applied_at) VALUES (?, ?, ?)')
          .run(migration.version, migration.name, appliedAt)
      })
      .immediate()
  }
}

function currentVersion(raw: BetterSqlite3.Database): number {
  const row = raw.prepare<[], { version: number | null }>('SELECT MAX(version) AS version FROM migrations').get()
  return row?.version ?? 0
}
