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
import type { HomeId } from '../../../src-shared/model/ids.ts'

const clock = new SystemClock()

/** With three homes: that of before its restore, the one that was kept then, and the restored one, which it has. */
function addEnvironment(raw: Sqlite.Database, id: string, index: number): void {
  const environment = `
    INSERT INTO environments (id, name, owner, image, driver, cpus, memory_mib, home_mib, home_id, desired, observed,
      observed_at, generation, guest_uid, is_protected, created_at)
    VALUES (@id, @id, 'local', 'minimal@1', 'fake', 1, 512, 64, @id || '-new', 'running', '{}', 0, 1, @index, 0, 0)`
  const home = `INSERT INTO homes (id, environment_id, size_mib, made_at) VALUES (@id || @which, @id, 64, 1)`
  raw.transaction(() => {
    raw.prepare(environment).run({ id, index })
    for (const which of ['-old', '-kept', '-new']) raw.prepare(home).run({ id, which })
  })()
}

interface OlderRestore {
  readonly kind?: string
  readonly step: string
  readonly status: string
  readonly newHome?: string
}

function addRestore(raw: Sqlite.Database, id: string, restore: OlderRestore): void {
  const { kind = 'restore', newHome: newHomeId = `${id}-new`, step, status } = restore
  const kept = { keptHomeId: `${id}-kept`, keptBy: 'op-before', keptAt: 7, keptUntil: 8, keptBytes: null }
  const params = JSON.stringify({ oldHomeId: `${id}-old`, newHomeId, ...kept })
  const sql = `
    INSERT INTO operations (id, ordinal, kind, environment_id, environment_name, command_id, request_id, user, uid, role,
      status, direction, step, step_index, step_count, is_cancellable, resumptions, params, requested_at, ended_at,
      failure)
    VALUES ('op-' || @id, (SELECT COUNT(*) FROM operations), @kind, @id, @id, 'cmd', 'req', 'op', 0, 'admin',
      @status, 'forward', @step, 0, 9, 0, 0, @params, 0, IIF(@status = 'running', NULL, 1),
      IIF(@status = 'failed', '{}', NULL))`
  raw.prepare(sql).run({ id, kind, status, step, params })
}

function addKept(raw: Sqlite.Database, id: string, purpose: string): void {
  const sql = `
    INSERT INTO kept_homes (home_id, environment_id, purpose, operation_id, kept_at, until)
    VALUES (@id || '-kept', @id, @purpose, 'op-before', 7, 8)`
  raw.prepare(sql).run({ id, purpose })
}

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

  it('has homes that older restores released without removing them down for removal, and no others', () => {
    inFile((raw) => {
      migrate(raw, { migrations: MIGRATIONS.slice(0, 6), appliedAt: 0 })
      raw.exec(`INSERT INTO owners (name, note, is_active) VALUES ('local', '', 1)`)
      const names = ['failed', 'swapped', 'filling', 'undone', 'removed', 'reviewed', 'again', 'gone']
      for (const [index, name] of names.entries()) addEnvironment(raw, name, index)
      addRestore(raw, 'failed', { step: 'commit', status: 'failed' })
      addRestore(raw, 'swapped', { step: 'await_ready', status: 'running' })
      // Not swapped yet: it is still kept for undo.
      addRestore(raw, 'filling', { step: 'restore', status: 'running' })
      raw.exec(`UPDATE environments SET home_id = 'filling-old' WHERE id = 'filling'`)
      addKept(raw, 'filling', 'undo')
      addRestore(raw, 'undone', { kind: 'undo_restore', step: 'commit', status: 'succeeded', newHome: 'undone-kept' })
      raw.exec(`UPDATE environments SET home_id = 'undone-old' WHERE id = 'undone'`)
      addRestore(raw, 'removed', { step: 'commit', status: 'succeeded' })
      raw.exec(`UPDATE homes SET removed_at = 1 WHERE id = 'removed-kept'`)
      addRestore(raw, 'reviewed', { step: 'commit', status: 'failed' })
      addKept(raw, 'reviewed', 'review')
      addRestore(raw, 'again', { step: 'commit', status: 'failed' })
      raw.exec(`UPDATE environments SET home_id = 'again-kept' WHERE id = 'again'`)
      addRestore(raw, 'gone', { step: 'commit', status: 'failed' })
      raw.exec(`UPDATE environments SET destroyed_at = 1 WHERE id = 'gone'`)
    })
    const db = openDatabase(path, { clock })
    const { keptHomes } = createStore(db)
    const old = { purpose: 'removal', operationId: 'op-before', keptAt: 7, until: null, bytes: null, isProved: false }
    const homes = keptHomes.allToRemove().sort((one, other) => (one.homeId < other.homeId ? -1 : 1))
    expect(homes).toEqual([
      { ...old, homeId: 'failed-kept', environmentId: 'failed' },
      expect.objectContaining({ homeId: 'filling-kept', purpose: 'undo' }),
    ])
    expect(keptHomes.find('swapped-kept' as HomeId)).toEqual({
      ...old,
      ...{ purpose: 'review', homeId: 'swapped-kept', environmentId: 'swapped' },
    })
    expect(keptHomes.find('reviewed-kept' as HomeId)).toMatchObject({ purpose: 'review' })
    expect(db.all('SELECT home_id FROM kept_homes')).toHaveLength(4)
    db.dispose()
  })

  it('has what took the place of a kept home proved where its operation says so, and nowhere else', () => {
    const names = ['done', 'undone', 'last', 'other', 'given-up', 'pruned', 'running'] as const
    inFile((raw) => {
      migrate(raw, { migrations: MIGRATIONS.slice(0, 7), appliedAt: 0 })
      raw.exec(`INSERT INTO owners (name, note, is_active) VALUES ('local', '', 1)`)
      for (const [index, name] of names.entries()) {
        addEnvironment(raw, name, index)
        addKept(raw, name, 'undo')
        raw.prepare('UPDATE kept_homes SET operation_id = ? WHERE environment_id = ?').run(`op-${name}`, name)
      }
      addRestore(raw, 'done', { step: 'commit', status: 'succeeded' })
      addRestore(raw, 'undone', { kind: 'undo_restore', step: 'commit', status: 'succeeded' })
      addRestore(raw, 'last', { step: 'commit', status: 'failed' })
      addRestore(raw, 'other', { kind: 'reset', step: 'commit', status: 'succeeded' })
      addRestore(raw, 'given-up', { step: 'await_ready', status: 'failed' })
      addRestore(raw, 'running', { step: 'swap_home', status: 'running' })
    })
    const db = openDatabase(path, { clock })
    const proved = createStore(db)
      .keptHomes.allForUndo()
      .filter(({ isProved }) => isProved)
    expect(proved.map(({ environmentId }) => environmentId).sort()).toEqual(['done', 'last', 'undone'])
    expect(createStore(db).keptHomes.allForUndo()).toHaveLength(names.length)
    db.dispose()
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
