import BetterSqlite3 from 'better-sqlite3'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ownerSchema } from '../../src-shared/model/owner.ts'
import { refusalOf, spawnInput, startFakeDriverDaemon, type FakeDriverDaemon } from '../support/fake-driver-daemon.ts'

describe('owners whose rows are malformed', () => {
  let host: FakeDriverDaemon
  const owners = async () => (await host.as('admin').owners.list()).map((owner) => ownerSchema.parse(owner))

  beforeEach(async () => {
    host = await startFakeDriverDaemon()
    await host.as('admin').owners.put({ name: 'team', note: 'the team', limit: 3 })
  })
  afterEach(() => host.remove())

  async function plant(sql: string): Promise<void> {
    await host.stop()
    const raw = new BetterSqlite3(join(host.folder, 'pilothoused.db'))
    raw.pragma('ignore_check_constraints = ON')
    raw.exec(sql)
    raw.close()
    host = await host.restart()
  }

  it.each([
    ['a note with control characters', `note = 'a' || char(27) || '[31m'`, { note: '', limit: 3 }],
    ['a note as long as a book', `note = hex(zeroblob(32768))`, { note: '', limit: 3 }],
    ['a limit of nothing', `max_environments = 0`, { note: 'the team', limit: 1 }],
    ['an absurd limit', `max_environments = 9007199254740991`, { note: 'the team', limit: 1 }],
  ])('%s: stays in the list', async (_, assignment, rest) => {
    await plant(`UPDATE owners SET ${assignment} WHERE name = 'team'`)
    expect(await owners()).toEqual([
      expect.objectContaining({ name: 'local' }),
      { name: 'team', isActive: true, environmentCount: 0, ...rest },
    ])
  })

  it('a name that is none: is in no list, and the leftovers say so', async () => {
    await plant(`UPDATE owners SET name = '../root' || char(7) WHERE name = 'team'`)
    expect((await owners()).map(({ name }) => name)).toEqual(['local'])
    const { problems } = await host.as('viewer').drift.list({})
    expect(problems).toEqual(['The record is malformed: owners without a proper name, who are in no list: 1.'])
    const refusal = await refusalOf(host.as('operator').environments.spawn(spawnInput('web', 'team')))
    expect(refusal.code).toBe('owner_not_allowed')
  })
})
