import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Database, type CommittedChange } from '../../../host-daemon/store/database.ts'

const SCHEMA = `
CREATE TABLE parents (id INTEGER PRIMARY KEY);
CREATE TABLE items (
  id INTEGER PRIMARY KEY,
  parent INTEGER REFERENCES parents (id) DEFERRABLE INITIALLY DEFERRED
);
CREATE TRIGGER all_or_nothing BEFORE INSERT ON items WHEN NEW.id < 0
BEGIN SELECT RAISE(ROLLBACK, 'everything is undone'); END;`

/** What a work does, and what keeps it from being done. */
type Deed = 'write' | 'throw' | 'orphan' | 'undo_all'

describe('works asked for in one turn', () => {
  let folder = ''
  let db: Database
  let other: Sqlite.Database
  let told: CommittedChange[] = []

  const insert = (id: number, parent: number | null = null) => {
    db.run('INSERT INTO items (id, parent) VALUES (@id, @parent)', { id, parent })
    db.touch('environment', String(id))
    return id
  }
  const ids = () =>
    other
      .prepare<[], { id: number }>('SELECT id FROM items ORDER BY id')
      .all()
      .map(({ id }) => id)
  const works: Record<Deed, (id: number) => number> = {
    write: (id) => insert(id),
    throw: (id) => {
      insert(id)
      throw new Error('no')
    },
    orphan: (id) => insert(id, 1),
    undo_all: (id) => insert(-id),
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'pilothouse-group-'))
    const raw = new Sqlite(join(folder, 'test.db'))
    for (const pragma of ['journal_mode = WAL', 'synchronous = FULL', 'foreign_keys = ON']) raw.pragma(pragma)
    raw.exec(SCHEMA)
    db = new Database(raw)
    other = new Sqlite(join(folder, 'test.db'), { readonly: true })
    told = []
    db.onCommitted((change) => told.push(change))
  })
  afterEach(async () => {
    other.close()
    db.dispose()
    await rm(folder, { recursive: true, force: true })
  })

  it('share one commit, and are answered only once it is there', async () => {
    const seen: number[][] = []
    const asked = [1, 2, 3].map(async (id) => {
      const result = await db.together(() => insert(id))
      seen.push(ids())
      return result
    })
    expect(ids()).toEqual([])
    expect(await Promise.all(asked)).toEqual([1, 2, 3])
    expect(seen).toEqual([
      [1, 2, 3],
      [1, 2, 3],
      [1, 2, 3],
    ])
    expect(told.map((change) => change.map(({ id }) => id))).toEqual([['1', '2', '3']])
  })

  it('see what those before them wrote', async () => {
    const first = db.together(() => insert(1))
    const second = db.together(() => db.get<{ id: number }>('SELECT id FROM items')?.id)
    expect(await Promise.all([first, second])).toEqual([1, 1])
  })

  it('keep their order where they are too many for one commit', async () => {
    const order: number[] = []
    const numbers = Array.from({ length: 150 }, (_unused, index) => index + 1)
    await Promise.all(numbers.map((id) => db.together(() => insert(id)).then((done) => order.push(done))))
    expect(order).toEqual(numbers)
    expect(ids()).toEqual(numbers)
    expect(told.map((change) => change.length)).toEqual([64, 64, 22])
  })

  it('undo themselves alone where they throw, and nobody hears of what they touched', async () => {
    const results = await Promise.allSettled([
      db.together(() => works.write(1)),
      db.together(() => works.throw(2)),
      db.together(() => works.write(3)),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(ids()).toEqual([1, 3])
    expect(told.flat().map(({ id }) => id)).toEqual(['1', '3'])
  })

  it.each(['orphan', 'undo_all'] as const)('fail for nobody else where the commit of all fails: %s', async (deed) => {
    const results = await Promise.allSettled([
      db.together(() => works.write(1)),
      db.together(() => works[deed](2)),
      db.together(() => works.write(3)),
    ])
    expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(ids()).toEqual([1, 3])
    expect(told.flat().map(({ id }) => id)).toEqual(['1', '3'])
  })

  it('all fail where no transaction can begin, and none is tried', async () => {
    let tries = 0
    const asked = [1, 2].map(() => db.together(() => (tries += 1)))
    db.dispose()
    const results = await Promise.allSettled(asked)
    expect(results.map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(tries).toBe(0)
  })

  it('end as if each had had a transaction of its own, whatever they do', async () => {
    const deed = fc.constantFrom<Deed>('write', 'write', 'throw', 'orphan', 'undo_all')
    let last = 0
    const property = fc.asyncProperty(fc.array(deed, { minLength: 1, maxLength: 8 }), async (deeds) => {
      const before = ids()
      const asked = deeds.map((word) => ({ word, id: (last += 1) }))
      told = []
      const results = await Promise.allSettled(asked.map(({ word, id }) => db.together(() => works[word](id))))
      const written = asked.filter(({ word }) => word === 'write').map(({ id }) => id)
      expect(ids()).toEqual([...before, ...written])
      expect(results.map(({ status }) => status === 'fulfilled')).toEqual(deeds.map((word) => word === 'write'))
      expect(told.flat().map(({ id }) => Number(id))).toEqual(written)
    })
    await fc.assert(property, { numRuns: 60 })
  })
})
