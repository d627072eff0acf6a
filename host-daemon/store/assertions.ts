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
  'tickets',
  'activity',
]

/** Guarantees that the code leaves to the database: without one of these, two of something could exist. */
const UNIQUE_INDEXES = [
  'environments_live_name',
  'environments_live_guest_uid',
  'boots_ordinal',
  'boots_live',
  'claims_in_flight',
]

const TRIGGERS = ['activity_keeps_rows', 'activity_keeps_content']

/** Throws, naming everything that is missing, before the daemon relies on any of it. */
export function assertSchema(raw: BetterSqlite3.Database): void {
  const missing = [
    ...missingOf(raw, { type: 'table', names: TABLES }),
    ...missingOf(raw, { type: 'index', names: UNIQUE_INDEXES }),
    ...missingOf(raw, { type: 'trigger', names: TRIGGERS }),
  ]
  if (missing.length > 0) throw new Error(`The database lacks what the daemon relies on: ${missing.join(', ')}`)
}

interface Expected {
  readonly type: 'table' | 'index' | 'trigger'
  readonly names: readonly string[]
}

function missingOf(raw: BetterSqlite3.Database, { type, names }: Expected): string[] {
  const rows = raw
    .prepare<[string], { name: string; sql: string | null }>('SELECT name, sql FROM sqlite_schema WHERE type = ?')
    .all(type)
  const found = rows.filter(({ sql }) => type !== 'index' || /^CREATE UNIQUE INDEX/i.test(sql ?? ''))
  const present = new Set(found.map(({ name }) => name))
  return names.filter((name) => !present.has(name)).map((name) => `${type === 'index' ? 'unique index' : type} ${name}`)
}
