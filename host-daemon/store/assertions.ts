import type BetterSqlite3 from 'better-sqlite3'

const TABLES = [
  'owners',
  'environments',
  'homes',
  'boots',
  'console_gaps',
  'operations',
  'operation_steps',
  'commands',
  'claims',
  'startups',
  'tickets',
  'activity',
]

/**
 * Guarantees that the code leaves to the database, each wholly: an index of the right name over other columns or
 * rows would let two of something exist.
 */
const UNIQUE_INDEXES = {
  environments_live_name: 'environments (name) WHERE destroyed_at IS NULL',
  environments_live_guest_uid: 'environments (guest_uid) WHERE destroyed_at IS NULL',
  boots_ordinal: 'boots (environment_id, ordinal)',
  boots_live: 'boots (environment_id) WHERE ended_at IS NULL',
  claims_in_flight: "claims (environment_id) WHERE mode = 'exclusive' AND released_at IS NULL",
}

const TRIGGERS = ['activity_keeps_rows', 'activity_keeps_content']

/** Throws, naming everything that is missing, before the daemon relies on any of it. */
export function assertSchema(raw: BetterSqlite3.Database): void {
  const schema = schemaOf(raw)
  const missing = [
    ...TABLES.filter((name) => !schema.has(`table ${name}`)).map((name) => `table ${name}`),
    ...TRIGGERS.filter((name) => !schema.has(`trigger ${name}`)).map((name) => `trigger ${name}`),
    ...Object.entries(UNIQUE_INDEXES)
      .filter(([name, over]) => schema.get(`index ${name}`) !== `CREATE UNIQUE INDEX ${name} ON ${over}`)
      .map(([name, over]) => `unique index ${name} on ${over}`),
  ]
  if (missing.length > 0)
    throw new Error(`The database ${raw.name} lacks what the daemon relies on: ${missing.join('; ')}`)
}

/** What there is, as `type name`, with the statement that made it, in single spaces. */
function schemaOf(raw: BetterSqlite3.Database): Map<string, string> {
  const rows = raw
    .prepare<[], { type: string; name: string; sql: string | null }>('SELECT type, name, sql FROM sqlite_schema')
    .all()
  return new Map(rows.map(({ type, name, sql }) => [`${type} ${name}`, (sql ?? '').replaceAll(/\s+/g, ' ')]))
}
