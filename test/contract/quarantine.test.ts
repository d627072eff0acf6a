import BetterSqlite3 from 'better-sqlite3'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { environmentSchema, type Environment } from '../../src-shared/model/environment.ts'
import type { EnvironmentId } from '../../src-shared/model/ids.ts'
import {
  newCommandId,
  refusalOf,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import { waitFor } from '../support/wait-for.ts'

interface Malformation {
  readonly says: string
  /** `$id` is the environment's; `$other` another one's, which stays well. */
  readonly sql: string
}

const set = (assignment: string) => `UPDATE environments SET ${assignment} WHERE id = $id`
const record = (json: string) => `UPDATE boots SET record = ${json} WHERE environment_id = $id`

const MALFORMATIONS: Record<string, Malformation> = {
  'an observed state of another shape': { says: 'observed', sql: set(`observed = '{"kind":"running"}'`) },
  'an observed state of an unknown kind': { says: 'observed', sql: set(`observed = '{"kind":"dancing","since":1}'`) },
  'an observed state that is no JSON': { says: 'observed is not JSON', sql: set(`observed = '{"kind'`) },
  'a name with control characters': { says: 'name', sql: set(`name = 'we' || char(27) || '[31mb'`) },
  'a name as long as a book': { says: 'name', sql: set(`name = hex(zeroblob(32768))`) },
  'an owner that is a path': { says: 'owner', sql: set(`owner = '../root'`) },
  'an image without a version': { says: 'image', sql: set(`image = '-rf'`) },
  'an unknown driver': { says: 'driver', sql: set(`driver = 'vmware'`) },
  'a home id that is a path': { says: 'home_id', sql: set(`home_id = '../../etc/passwd'`) },
  'a home id pointing nowhere': { says: 'home_id names no home', sql: set(`home_id = 'home-00000000deadbeef'`) },
  "another one's home": {
    says: 'home_id names the home of another',
    sql: set('home_id = (SELECT home_id FROM environments WHERE id = $other)'),
  },
  'no CPUs': { says: 'cpus', sql: set('cpus = 0') },
  'an absurd memory': { says: 'memory_mib', sql: set('memory_mib = 9007199254740991') },
  'a negative home': { says: 'home_mib', sql: set('home_mib = -1') },
  'a generation below one': { says: 'generation', sql: set('generation = -5') },
  'the uid of root': { says: 'guest_uid', sql: set('guest_uid = 0') },
  'an unknown wish': { says: 'desired', sql: set(`desired = 'perhaps'`) },
  'a time before all time': { says: 'observed_at', sql: set('observed_at = -1') },
  'labels that are a list': { says: 'labels', sql: set(`labels = '[1,2]'`) },
  'a start-up summary of another shape': { says: 'startup_summary', sql: set(`startup_summary = '{}'`) },
  'a boot pointing nowhere': { says: 'boot_id names no boot', sql: set(`boot_id = 'boot-00000000deadbeef'`) },
  "another one's boot": {
    says: 'boot_id names the boot of another',
    sql: set('boot_id = (SELECT boot_id FROM environments WHERE id = $other)'),
  },
  'a boot record that is no JSON': { says: 'record of its boot', sql: record(`'{'`) },
  'a boot record without handles': { says: 'record of its boot', sql: record(`json_remove(record, '$.handles')`) },
  'a boot record that would remove what is not its own': {
    says: 'not that boot',
    sql: record(`json_set(record, '$.handles.bootDirectory', '/etc')`),
  },
  'a boot record of another boot': {
    says: 'names another boot',
    sql: record(`json_set(record, '$.bootId', 'boot-00000000deadbeef')`),
  },
  'two console journals': { says: 'journals', sql: `UPDATE boots SET journal_path = '/x' WHERE environment_id = $id` },
}

describe('an environment whose record is malformed', () => {
  let host: FakeDriverDaemon
  let [id, other] = ['' as EnvironmentId, '' as EnvironmentId]
  const client = () => host.as('admin')
  const list = async () => (await client().environments.list({})).environments
  const get = async () => environmentSchema.parse(await client().environments.get({ environment: id }))
  const finish = (operation: string) => client().operations.wait({ id: operation, timeoutMs: 5_000 })

  beforeEach(async () => {
    host = await startFakeDriverDaemon()
    for (const name of ['web', 'well']) await finish((await client().environments.spawn(spawnInput(name))).id)
    const named = async (name: string) => (await client().environments.get({ environment: name })).id
    ;[id, other] = [await named('web'), await named('well')]
  })
  afterEach(() => host.remove())

  /** The daemon comes up on a record that it would never have written. */
  async function plant(sql: string): Promise<void> {
    await host.stop()
    const raw = new BetterSqlite3(join(host.folder, 'pilothoused.db'))
    raw.pragma('foreign_keys = OFF')
    raw.pragma('ignore_check_constraints = ON')
    raw.exec(sql.replaceAll('$id', `'${id}'`).replaceAll('$other', `'${other}'`))
    raw.close()
    host = await host.restart()
  }

  function rowOf(): unknown {
    const raw = new BetterSqlite3(join(host.folder, 'pilothoused.db'), { readonly: true })
    try {
      return raw.prepare('SELECT * FROM environments WHERE id = ?').get(id)
    } finally {
      raw.close()
    }
  }

  it.each(Object.entries(MALFORMATIONS))(
    '%s: is listed, left alone, and can be destroyed',
    async (_, { says, sql }) => {
      await plant(sql)
      const before = rowOf()
      const all = (await list()).map((one) => environmentSchema.parse(one))
      expect(all.map((one) => one.id).sort()).toEqual([id, other].sort())
      const broken = await get()
      expect(broken.quarantine).toContain(says)
      expect(broken.observed).toMatchObject({ kind: 'unknown', detail: broken.quarantine })
      await expectWell()
      expect(rowOf()).toEqual(before)
      await expectRefused(broken)
      await destroy(broken)
      await expectWell()
      expect(host.machine.guests.ids()).toHaveLength(1)
      expect(host.machine.homes.ids()).toHaveLength(1)
      expect(await list()).toHaveLength(1)
      expect(host.logger.errors()).toEqual([])
    },
  )

  /** The other one goes on being looked after, and its guest and home are its own. */
  async function expectWell(): Promise<void> {
    const { observedAt } = await client().environments.get({ environment: 'well' })
    const seen = await waitFor('a look at the other one', async () => {
      const well = await client().environments.get({ environment: 'well' })
      return well.observedAt > observedAt && well
    })
    expect(seen).toMatchObject({ quarantine: null, observed: { kind: 'running', agent: 'answering' } })
  }

  async function expectRefused({ generation, name }: Environment): Promise<void> {
    const input = () => ({ commandId: newCommandId(), environment: id })
    const { environments } = client()
    const refusals = await Promise.all([
      refusalOf(environments.start(input())),
      refusalOf(environments.reboot(input())),
      refusalOf(environments.recover(input())),
      refusalOf(environments.resize({ ...input(), size: { memoryMiB: 256 } })),
      refusalOf(environments.reset.plan({ environment: id })),
    ])
    expect(refusals.map(({ code }) => code)).toEqual(Array(5).fill('environment_quarantined'))
    expect(await get()).toMatchObject({ generation, name })
  }

  async function destroy({ name }: Environment): Promise<void> {
    const { plan, ticket } = await client().environments.destroy.plan({ environment: name })
    expect(plan).toMatchObject({ needsName: true, environmentId: id })
    expect(plan.text).toContain('malformed')
    const homes = host.machine.homes.ids()
    expect(plan.losses.filter((loss) => homes.some((homeId) => loss.includes(homeId)))).toHaveLength(1)
    expect(plan.text).not.toContain('gone already')
    const run = { commandId: newCommandId(), environment: name, ticket: ticket.id, confirmName: name }
    const operation = await client().environments.destroy.run(run)
    expect((await finish(operation.id)).status).toMatchObject({ kind: 'succeeded' })
    await client().activity.list({})
  }

  it('is left out where its very id is none; everything else goes on', async () => {
    await plant(`
      UPDATE homes SET environment_id = 'env-X' WHERE environment_id = $id;
      UPDATE boots SET environment_id = 'env-X' WHERE environment_id = $id;
      UPDATE environments SET id = 'env-X' WHERE id = $id`)
    expect((await list()).map(({ name }) => name)).toEqual(['well'])
    await expectWell()
    const { problems } = await client().drift.list({})
    expect(problems).toEqual([expect.stringContaining('malformed')])
    expect(host.machine.homes.ids()).toHaveLength(2)
  })

  it('is listed among a thousand in no time worth speaking of', async () => {
    await plant(`
      INSERT INTO homes (id, environment_id, size_mib, made_at)
        WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
        SELECT printf('home-%016x', i), printf('env-%08x', i), 64, 1 FROM n;
      INSERT INTO environments (id, name, owner, image, driver, cpus, memory_mib, home_mib, home_id, desired, observed,
        observed_at, generation, guest_uid, is_protected, created_at)
        WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 999)
        SELECT printf('env-%08x', i), printf('many-%d', i), 'local', iif(i % 2, 'minimal@1', '-rf'), 'fake', 1, 128, 64,
          printf('home-%016x', i), 'stopped', json_object('kind', 'stopped', 'since', i), 1, 1, 200000 + i, 0, 1 FROM n`)
    const all = await list()
    expect(all).toHaveLength(1_002)
    expect(all.filter(({ quarantine }) => quarantine !== null)).toHaveLength(500)
  })
})
