import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { openDatabase } from '../../../host-daemon/store/database.ts'
import { migrate } from '../../../host-daemon/store/migrate.ts'
import { MIGRATIONS } from '../../../host-daemon/store/migrations/index.ts'
import { createStore } from '../../../host-daemon/store/store.ts'
import { SystemClock } from '../../../host-daemon/system/clock.ts'
import { activityEntrySchema } from '../../../src-shared/model/activity.ts'
import { ENVIRONMENT_IDS, randomActivity, verdictOf } from '../../support/activity-chain.ts'
import { seededRandom } from '../../support/seeded-random.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilothouse-upgrade-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const INSERT = `
INSERT INTO activity (seq, at, user, uid, role, claimed_actor, request_id, operation_id, environment_id, action, outcome, detail)
VALUES (@seq, @at, @user, @uid, @role, @claimedActor, @requestId, @operationId, @environmentId, @action, @outcome, @detail)`

/** A database as version 1 left it, its numbers with holes as a rolled-back insert leaves them. */
function versionOne(path: string, count: number): void {
  const raw = new Sqlite(path)
  migrate(raw, { migrations: MIGRATIONS.slice(0, 1), appliedAt: 1 })
  raw.pragma('foreign_keys = OFF')
  raw.exec(`INSERT INTO environments (id, name, owner, image, driver, cpus, memory_mib, home_mib, home_id, desired, observed,
    observed_at, generation, guest_uid, is_protected, created_at) VALUES ('${ENVIRONMENT_IDS[0]}', 'web', 'local', 'minimal@1',
    'fake', 1, 1, 1, 'home-1', 'stopped', '{}', 0, 1, 1, 0, 0)`)
  const random = seededRandom(11)
  for (let ordinal = 0; ordinal < count; ordinal++) {
    const { actor, detail, ...entry } = randomActivity(random, ordinal)
    const who = actor ?? { user: null, uid: null, role: null, claimedActor: null }
    raw.prepare(INSERT).run({ ...entry, ...who, detail: JSON.stringify(detail), seq: 5 + ordinal * 3 })
  }
  raw.close()
}

it('chains the record of version 1, every fact kept, and goes on with it', () => {
  const path = join(folder, 'test.db')
  versionOne(path, 120)
  const before = new Sqlite(path)
  const rows = before.prepare<[], Record<string, unknown>>('SELECT * FROM activity ORDER BY seq').all()
  before.close()

  const db = openDatabase(path, { clock: new SystemClock() })
  const { activity } = createStore(db)
  const nobody = { actor: null, requestId: null, operationId: null, environmentId: null }
  db.transaction(() => activity.append({ at: 2, ...nobody, action: 'after', outcome: 'done', detail: {} }))
  const entries = activity.list()
  for (const entry of entries) expect(activityEntrySchema.parse(entry)).toEqual(entry)
  expect(entries.map(({ seq }) => seq)).toEqual(Array.from({ length: 121 }, (_, index) => index + 1))
  for (const [index, { at, action, outcome, request_id, user }] of rows.entries()) {
    expect(entries[index]).toMatchObject({ at, action, outcome, requestId: request_id })
    expect(entries[index]?.actor?.user ?? null).toBe(user)
    expect(entries[index]?.detail.ordinal).toBe(index)
  }
  expect(entries.filter(({ environmentName }) => environmentName === 'web').length).toBeGreaterThan(0)
  expect(verdictOf(entries, [{ head: activity.head(), seenAt: null }])).toMatchObject({
    kind: 'intact',
    entryCount: 121,
  })
  expect(() => db.run('DELETE FROM activity')).toThrow('append-only')
  db.dispose()
})

it('upgrades a record that is empty', () => {
  const path = join(folder, 'test.db')
  versionOne(path, 0)
  const db = openDatabase(path, { clock: new SystemClock() })
  expect(createStore(db).activity.head()).toEqual({ seq: 0, hash: '0'.repeat(64) })
  db.dispose()
})
