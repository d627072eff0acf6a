import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { MIGRATIONS } from '../../../../src-main/store/migrations.ts'
import { openStore, type ConsoleStore } from '../../../../src-main/store/store.ts'
import { hostTargetSchema } from '../../../../src-shared/model/host.ts'
import { hostIdSchema, hostNameSchema } from '../../../../src-shared/model/ids.ts'
import { environmentSample } from '../../../support/contract-samples.ts'

const id = hostIdSchema.parse('host-0000abcd')
const at = (seq: number) => ({ cursor: { epoch: 'e', seq }, confirmedAt: seq })
const put = [{ kind: 'environment', id: environmentSample.id, body: environmentSample }] as const
let folder: string
/** Two processes of one console. */
let first: ConsoleStore
let second: ConsoleStore

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilothouse-shared-'))
  first = openStore(folder)
  second = openStore(folder)
  first.hosts.add({ id, name: hostNameSchema.parse('lab'), target: hostTargetSchema.parse({ address: 'lab' }) }, 0)
  first.cache.load(id)
  second.cache.load(id)
})
afterEach(async () => {
  first.dispose()
  second.dispose()
  await rm(folder, { recursive: true, force: true })
})

it('leaves no cursor once two processes have written, whoever wrote last', () => {
  first.cache.save(id, put, at(5))
  expect(second.cache.load(id).cursor).toEqual(at(5).cursor)
  first.cache.save(id, put, at(6))
  second.cache.save(id, [], at(9))
  expect(openAnew().cursor).toBeNull()
  first.cache.save(id, [], at(10))
  first.cache.save(id, [], at(11))
  expect(openAnew()).toMatchObject({ cursor: null, confirmedAt: 11 })
})

it('keeps a cursor for the one that writes alone, after another one that is gone', () => {
  first.cache.save(id, put, at(5))
  second.cache.load(id)
  second.cache.save(id, put, at(7))
  second.cache.save(id, put, at(8))
  expect(openAnew().cursor).toEqual(at(8).cursor)
})

it('has a cursor again after a start that has read the state anew', () => {
  first.cache.save(id, put, at(5))
  second.cache.save(id, put, at(6))
  const third = openStore(folder)
  expect(third.cache.load(id).cursor).toBeNull()
  third.cache.save(id, put, at(7))
  expect(third.cache.load(id).cursor).toEqual(at(7).cursor)
  third.dispose()
})

it('forgets the cursors of an older version, which may be of mixed rows, and nothing else', async () => {
  const path = join(folder, 'old')
  const old = openStore(path)
  old.dispose()
  await rm(join(path, 'console.db'), { force: true })
  const raw = new Sqlite(join(path, 'console.db'))
  raw.exec(MIGRATIONS[0]!)
  raw.pragma('user_version = 1')
  raw.exec(`INSERT INTO hosts (id, name, target, added_at) VALUES ('${id}', 'lab', '{"address":"lab"}', 0);
    INSERT INTO cached_hosts VALUES ('${id}', 'e', 7, 9);`)
  raw
    .prepare(`INSERT INTO cached_rows VALUES (?, 'environment', ?, ?)`)
    .run(id, environmentSample.id, JSON.stringify(environmentSample))
  raw.close()
  const upgraded = openStore(path)
  expect(upgraded.cache.load(id)).toEqual({
    environments: [environmentSample],
    operations: [],
    backups: [],
    cursor: null,
    confirmedAt: 9,
  })
  upgraded.cache.save(id, put, at(8))
  expect(upgraded.cache.load(id).cursor).toEqual(at(8).cursor)
  upgraded.dispose()
})

function openAnew() {
  const store = openStore(folder)
  try {
    return store.cache.load(id)
  } finally {
    store.dispose()
  }
}
