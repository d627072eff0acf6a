import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openDatabase } from '../../../host-daemon/store/database.ts'
import { migrate, NewerDatabaseError } from '../../../host-daemon/store/migrate.ts'
import { MIGRATIONS } from '../../../host-daemon/store/migrations/index.ts'
import { createStore } from '../../../host-daemon/store/store.ts'
import { SystemClock } from '../../../host-daemon/system/clock.ts'

const clock = new SystemClock()

describe('the database', () => {
  let folder = ''
  let path = ''
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilothouse-store-'))
    path = join(folder, 'test.db')
  })
  afterEach(() => rm(folder, { recursive: true, force: true }))

  const inFile = <T>(work: (raw: Sqlite.Database) => T): T => {
    const raw = new Sqlite(path)
    try {
      return work(raw)
    } finally {
      raw.close()
    }
  }

  it('has migrations numbered from 1 without holes', () => {
    expect(MIGRATIONS.map(({ version }) => version)).toEqual(MIGRATIONS.map((_, index) => index + 1))
  })

  it('is made, opened again, and durable to the last commit', () => {
    openDatabase(path, { clock }).dispose()
    const db = openDatabase(path, { clock })
    expect(db.get('PRAGMA journal_mode')).toEqual({ journal_mode: 'wal' })
    expect(db.get('PRAGMA synchronous')).toEqual({ synchronous: 2 })
    expect(db.get('PRAGMA foreign_keys')).toEqual({ foreign_keys: 1 })
    db.dispose()
  })

  it('of a newer daemon is refused untouched, saying what to do', () => {
    openDatabase(path, { clock }).dispose()
    inFile((raw) => raw.exec(`INSERT INTO migrations VALUES (99, 'later', 0)`))
    expect(() => openDatabase(path, { clock })).toThrow(NewerDatabaseError)
    expect(() => openDatabase(path, { clock })).toThrow(
      new RegExp(`schema version 99.*knows versions up to ${MIGRATIONS.length}[.].*newer daemon`),
    )
  })

  it('without what the code relies on is refused, naming it', () => {
    openDatabase(path, { clock }).dispose()
    inFile((raw) => raw.exec('DROP INDEX claims_in_flight; DROP TRIGGER activity_keeps_rows'))
    expect(() => openDatabase(path, { clock })).toThrow(/trigger activity_keeps_rows; unique index claims_in_flight/)
  })

  it.each([
    'CREATE INDEX claims_in_flight ON claims (environment_id)',
    'CREATE UNIQUE INDEX claims_in_flight ON claims (environment_id)',
    "CREATE UNIQUE INDEX claims_in_flight ON claims (environment_id, operation_id) WHERE mode = 'exclusive' AND released_at IS NULL",
    "CREATE UNIQUE INDEX claims_in_flight ON claims (environment_id) WHERE mode = 'exclusive' AND released_at IS NOT NULL",
  ])('with an index that has only the name of what the code relies on is refused: %s', (index) => {
    openDatabase(path, { clock }).dispose()
    inFile((raw) => raw.exec(`DROP INDEX claims_in_flight; ${index}`))
    expect(() => openDatabase(path, { clock })).toThrow(/unique index claims_in_flight on claims \(environment_id\)/)
  })

  it('is as it was before a migration that fails', () => {
    const broken = {
      version: 1,
      name: 'broken',
      up: (raw: Sqlite.Database) => {
        raw.exec('CREATE TABLE half (id INTEGER)')
        throw new Error('broken')
      },
    }
    inFile((raw) => {
      expect(() => migrate(raw, { migrations: [broken], appliedAt: 0 })).toThrow('broken')
      expect(raw.prepare(`SELECT name FROM sqlite_schema WHERE name = 'half'`).all()).toEqual([])
      migrate(raw, { migrations: [{ ...broken, up: () => undefined }], appliedAt: 0 })
    })
  })

  it('keeps its activity record as it was written', () => {
    const db = openDatabase(path, { clock })
    const { activity } = createStore(db)
    const none = { actor: null, requestId: null, operationId: null, environmentId: null }
    db.transaction(() => activity.append({ at: 1, ...none, action: 'test', outcome: 'done', detail: { a: 1 } }))
    expect(() => db.run('DELETE FROM activity')).toThrow('append-only')
    expect(() => db.run(`UPDATE activity SET action = 'other'`)).toThrow('append-only')
    expect(activity.list()).toMatchObject([{ action: 'test', detail: { a: 1 } }])
    db.dispose()
  })

  it('tells of changes only after their commit, and survives a listener that fails', () => {
    const db = openDatabase(path, { clock })
    const heard: string[] = []
    db.onCommitted(() => {
      throw new Error('deaf')
    })
    db.onCommitted((change) => heard.push(...change.map(({ id }) => id)))
    const fail = () =>
      db.transaction(() => {
        db.touch('environment', 'env-1')
        throw new Error('undone')
      })
    expect(fail).toThrow('undone')
    db.transaction(() => {
      for (const id of ['env-2', 'env-3', 'env-2']) db.transaction(() => db.touch('environment', id))
      expect(heard).toEqual([])
    })
    expect(heard).toEqual(['env-2', 'env-3'])
    expect(() => db.touch('environment', 'env-4')).toThrow('inside a transaction')
    db.dispose()
  })
})
