import BetterSqlite3 from 'better-sqlite3'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Operation } from '../../src-shared/model/operation.ts'
import { newCommandId, refusalOf, spawnInput, startFakeDriverDaemon } from '../support/fake-driver-daemon.ts'
import type { FakeDriverDaemon } from '../support/fake-driver-daemon.ts'
import { waitFor } from '../support/wait-for.ts'

const set = (assignment: string) => `UPDATE operations SET ${assignment} WHERE id = $id`

/** Rows that no daemon writes, and whether the operation can still be shown. */
const MALFORMATIONS: Record<string, { readonly sql: string; readonly isShown: boolean }> = {
  'an unknown kind': { sql: set(`kind = 'teleport'`), isShown: false },
  'a kind that is markup': { sql: set(`kind = '<b>' || char(7)`), isShown: false },
  'no role': { sql: set(`role = 'root'`), isShown: false },
  'parameters that are no JSON': { sql: set(`params = '{'`), isShown: false },
  'parameters of another operation': { sql: set(`params = '{"homeMiB":64}'`), isShown: true },
  'a step of another daemon': { sql: set(`step = 'warp'`), isShown: true },
  'a step behind the last': { sql: set(`step_index = 99`), isShown: true },
  'a phase that there is not': { sql: set(`phase = 'dreaming'`), isShown: false },
  'an undo for no reason that reads': { sql: set(`direction = 'undo', undo_cause = '{}'`), isShown: false },
}

describe('a running operation whose row cannot be gone by', () => {
  let host: FakeDriverDaemon
  const client = () => host.as('admin')
  const finish = (id: string) => client().operations.wait({ id, timeoutMs: 5_000 })
  const get = () => client().environments.get({ environment: 'web' })

  beforeEach(async () => {
    host = await startFakeDriverDaemon()
    for (const name of ['web', 'well']) await finish((await client().environments.spawn(spawnInput(name))).id)
  })
  afterEach(() => host.remove())

  async function beginReset(): Promise<Operation> {
    const { plan, ticket } = await client().environments.reset.plan({ environment: 'web' })
    host.driver.hold('ready')
    const run = { commandId: newCommandId(), environment: 'web', ticket: ticket.id, confirmName: plan.environmentName }
    const operation = await client().environments.reset.run(run)
    const step = async () => (await client().operations.get({ id: operation.id })).step
    await waitFor('the wait for the guest', async () => (await step()) === 'await_ready')
    return operation
  }

  async function plant(id: string, sql: string): Promise<void> {
    await host.stop()
    const raw = new BetterSqlite3(join(host.folder, 'pilothoused.db'))
    raw.pragma('ignore_check_constraints = ON')
    raw.exec(sql.replaceAll('$id', `'${id}'`))
    raw.close()
    host = await host.restart()
  }

  it.each(Object.entries(MALFORMATIONS))('%s: holds nothing up, and loses no home', async (_, { sql, isShown }) => {
    const { id, environmentId } = await beginReset()
    const homes = host.machine.homes.ids()
    expect(homes).toHaveLength(3)
    await plant(id, sql)
    const shown = await client().operations.list({ environment: 'web' })
    expect(shown.map((operation) => operation.status.kind)).toEqual(isShown ? ['failed', 'succeeded'] : ['succeeded'])
    if (!isShown) expect((await refusalOf(client().operations.get({ id }))).code).toBe('not_found')
    expect(await get()).toMatchObject({ operationId: null, quarantine: null })
    const said = host.activity().filter(({ outcome }) => outcome === 'abandoned')
    expect(said).toMatchObject([{ action: 'operation', actor: null, operationId: id, environmentId }])
    expect(host.machine.homes.ids()).toEqual(homes)
    await expectUsable()
    expect(host.machine.homes.ids()).toEqual(homes)
  })

  /** Both environments take their next commands. */
  async function expectUsable(): Promise<void> {
    for (const environment of ['web', 'well']) {
      const { id } = await client().environments.recover({ commandId: newCommandId(), environment })
      expect((await finish(id)).status.kind).toBe('succeeded')
    }
  }

  it('is abandoned once, and forgotten with its environment', async () => {
    const { id } = await beginReset()
    await plant(id, set(`kind = 'teleport'`))
    host = await host.restart()
    expect(host.activity().filter(({ outcome }) => outcome === 'abandoned')).toHaveLength(1)
    const { ticket } = await client().environments.destroy.plan({ environment: 'web' })
    const run = { commandId: newCommandId(), environment: 'web', ticket: ticket.id, confirmName: 'web' }
    expect((await finish((await client().environments.destroy.run(run)).id)).status.kind).toBe('succeeded')
    expect(host.machine.homes.ids()).toHaveLength(1)
    expect(host.machine.guests.ids()).toHaveLength(1)
  })

  it('is not needed for a claim to be let go of that nothing running holds', async () => {
    const [spawned] = await client().operations.list({ environment: 'web' })
    await plant(spawned?.id ?? '', 'UPDATE claims SET released_at = NULL WHERE operation_id = $id')
    expect(await get()).toMatchObject({ operationId: null, quarantine: null })
    const said = host.activity().filter(({ outcome }) => outcome === 'abandoned')
    expect(said).toMatchObject([{ action: 'operation', actor: null, operationId: null }])
    await expectUsable()
  })
})
