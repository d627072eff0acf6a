import BetterSqlite3 from 'better-sqlite3'
import { StartRefusal } from '../config/start-refusal.ts'
import { isSeen } from '../system/presence.ts'
import { refuseNewer } from './migrate.ts'
import { MIGRATIONS } from './migrations/index.ts'

/**
 * Looks at the database, if there is one, before anything else of the state is touched; changes nothing. Throws
 * `StartRefusal` for one that this daemon cannot use.
 */
export async function checkDatabase(path: string): Promise<void> {
  if (!(await isSeen(path))) return
  // With a write-ahead log beside it, only a read-only connection leaves both as they are.
  const readonly = await isSeen(`${path}-wal`)
  refusing(path, () => {
    const raw = new BetterSqlite3(path, { readonly })
    try {
      refuseNewer(raw, MIGRATIONS)
    } finally {
      raw.close()
    }
  })
}

/** Runs `work`; what SQLite throws becomes a refusal that names the file and says what to do. */
export function refusing<T>(path: string, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof BetterSqlite3.SqliteError) throw refusalOf(path, error)
    throw error
  }
}

function refusalOf(path: string, error: InstanceType<typeof BetterSqlite3.SqliteError>): StartRefusal {
  const { code, message } = error
  if (/^SQLITE_(NOTADB|CORRUPT)/.test(code)) {
    const says = `${path} is not a database of pilothoused, or it is damaged (${message}). Nothing was changed.`
    const remedy =
      'Keep it, but move it aside; put a whole copy in its place, or start without one: what is on the host then shows up as leftovers.'
    return new StartRefusal(`${says} ${remedy}`, { cause: error })
  }
  const remedy =
    'See to it that its folder is there, writable, and on a file system that is neither read-only nor full.'
  return new StartRefusal(`${path} cannot be used (${code}: ${message}). ${remedy}`, { cause: error })
}
