import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { PilothouseError } from '../../src-shared/error.ts'
import { MIGRATIONS } from './migrations.ts'

export type Db = Database.Database

const FILE_NAME = 'console.db'
/** Another process of this console (window, command line) may be writing, milliseconds. */
const BUSY_TIMEOUT_MS = 5_000

function migrate(db: Db, path: string): void {
  const upgrade = db.transaction(() => {
    const version = db.pragma('user_version', { simple: true }) as number
    if (version > MIGRATIONS.length) {
      throw new PilothouseError('protocol_mismatch', `${path} was written by a newer version of the console.`)
    }
    for (const migration of MIGRATIONS.slice(version)) db.exec(migration)
    db.pragma(`user_version = ${MIGRATIONS.length}`)
  })
  upgrade.immediate()
}

/** Opens the console's database in `directory`, which is made for this user alone; `:memory:` for none on disk. */
export function openDatabase(directory: string): Db {
  const isOnDisk = directory !== ':memory:'
  const path = isOnDisk ? join(directory, FILE_NAME) : directory
  // Once, before anything is served.
  if (isOnDisk) mkdirSync(directory, { recursive: true, mode: 0o700 })
  const db = new Database(path)
  try {
    if (isOnDisk) chmodSync(path, 0o600)
    db.pragma(`busy_timeout = ${BUSY_TIMEOUT_MS}`)
    db.pragma('journal_mode = WAL')
    db.pragma('synchronous = FULL')
    db.pragma('foreign_keys = ON')
    migrate(db, path)
    return db
  } catch (error) {
    db.close()
    throw error
  }
}
