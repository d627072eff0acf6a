import type BetterSqlite3 from 'better-sqlite3'
import { StartRefusal } from '../config/start-refusal.ts'

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
export class NewerDatabaseError extends StartRefusal {
  constructor(path: string, found: number, known: number) {
    super(
      `The database ${path} has schema version ${found}; this daemon knows versions up to ${known}. ` +
        'Run the newer daemon, or restore the database that was kept before the upgrade.',
    )
    this.name = 'NewerDatabaseError'
  }
}

/** Applies what is missing, each migration wholly or not at all. */
export function migrate(raw: BetterSqlite3.Database, { migrations, appliedAt }: MigrateOptions): void {
  refuseNewer(raw, migrations)
  raw.exec('CREATE TABLE IF NOT EXISTS migrations (version INTEGER PRIMARY KEY, name TEXT, applied_at INTEGER) STRICT')
  const found = currentVersion(raw)
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

/** Throws `NewerDatabaseError` where a newer daemon wrote the file. Only reads; a file without a schema is nobody's. */
export function refuseNewer(raw: BetterSqlite3.Database, migrations: readonly Migration[]): void {
  const hasVersions = raw.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'migrations'").get() !== undefined
  const found = hasVersions ? currentVersion(raw) : 0
  const known = migrations.at(-1)?.version ?? 0
  if (found > known) throw new NewerDatabaseError(raw.name, found, known)
}

function currentVersion(raw: BetterSqlite3.Database): number {
  const row = raw.prepare<[], { version: number | null }>('SELECT MAX(version) AS version FROM migrations').get()
  return row?.version ?? 0
}
