import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DriverFailure } from '../../host-daemon/drivers/vm-driver.ts'
import {
  newCommandId,
  refusalOf,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'

describe('owners', () => {
  let host: FakeDriverDaemon
  const owners = () => host.as('admin').owners
  const client = () => host.as('operator')
  const spawn = (name: string, owner = 'team') => client().environments.spawn(spawnInput(name, owner))
  const wait = (id: string) => client().operations.wait({ id, timeoutMs: 5_000 })
  const allRecorded = () => host.activity().filter(({ action }) => action === 'owner.put')
  const recorded = () => allRecorded().filter(({ actor }) => actor !== null)
  const countOf = async (name: string) => (await owners().list()).find((owner) => owner.name === name)?.environmentCount

  beforeEach(async () => {
    host = await startFakeDriverDaemon()
  })
  afterEach(() => host.remove())

  it('are recorded as they are and as they were, with who changed them', async () => {
    await owners().put({ name: 'team', note: 'the team' })
    await owners().put({ name: 'team', limit: 'unlimited' })
    await owners().put({ name: 'team', isActive: false, note: '' })
    const first = { name: 'team', note: 'the team', isActive: true, limit: 1 }
    const second = { ...first, limit: 'unlimited' }
    const third = { ...second, isActive: false, note: '' }
    expect(recorded().map(({ detail }) => detail)).toEqual([
      { ...first, before: null },
      { ...second, before: first },
      { ...third, before: second },
    ])
    expect(recorded()[0]).toMatchObject({ outcome: 'succeeded', actor: { user: 'op', role: 'admin' } })
  })

  it('of the settings are recorded once, as nobody’s doing', async () => {
    host = await host.restart()
    expect(allRecorded()).toMatchObject([
      { actor: null, requestId: null, detail: { name: 'local', limit: 'unlimited', isActive: true, before: null } },
    ])
  })

  it.each([1, 7, 'unlimited'] as const)(
    'with the limit %s that are saved unchanged stay so, unrecorded',
    async (limit) => {
      const saved = await owners().put({ name: 'team', note: 'the team', limit })
      const { name, note, isActive } = saved
      expect(await owners().put({ name, note, isActive, limit: saved.limit })).toEqual(saved)
      expect(await owners().put({ name })).toEqual(saved)
      expect(recorded()).toHaveLength(1)
    },
  )

  it.each([0, -1, 1.5, 'many', 1e12, Number.MAX_SAFE_INTEGER, null, '5', true])(
    'refuse the limit %s with what a limit is, and stay as they were',
    async (limit) => {
      const before = await owners().put({ name: 'team', limit: 3 })
      const refused = await refusalOf(owners().put({ name: 'team', limit } as never))
      expect(refused.code).toBe('invalid_request')
      expect(refused.message).toBe(
        'The input is not valid. limit: must be a whole number from 1 to 1000000, or "unlimited"',
      )
      expect((await owners().list()).find(({ name }) => name === 'team')).toEqual(before)
      expect(recorded()).toHaveLength(1)
    },
  )

  it('take the largest limit that there is', async () => {
    expect(await owners().put({ name: 'team', limit: 1_000_000 })).toMatchObject({ limit: 1_000_000 })
  })

  it('that may have one, or many, are told so in so many words', async () => {
    await owners().put({ name: 'team' })
    await spawn('first')
    expect((await refusalOf(spawn('second'))).message).toBe('team has 1 of at most 1 environment.')
    await owners().put({ name: 'team', limit: 2 })
    await spawn('second')
    const refused = await refusalOf(spawn('third'))
    expect(refused.message).toBe('team has 2 of at most 2 environments.')
    expect(refused).toMatchObject({ code: 'owner_limit_reached', details: { limit: 2, environmentCount: 2 } })
  })

  it('that are deactivated or limited to less lose nothing: new spawns stop, and nothing else', async () => {
    await owners().put({ name: 'team', limit: 'unlimited' })
    for (const name of ['a', 'b', 'c']) await wait((await spawn(name)).id)
    const before = (await client().environments.list({ owner: 'team' })).environments
    await owners().put({ name: 'team', limit: 1 })
    expect((await refusalOf(spawn('d'))).message).toBe('team has 3 of at most 1 environment.')
    await owners().put({ name: 'team', isActive: false, limit: 'unlimited' })
    const refused = await refusalOf(spawn('d'))
    expect(refused).toMatchObject({ code: 'owner_inactive', message: 'The owner team is not active.' })
    const after = (await client().environments.list({ owner: 'team' })).environments
    const facts = (list: typeof after) =>
      list.map(({ name, desired, observed, generation }) => [name, desired, observed.kind, generation])
    expect(facts(after)).toEqual(facts(before))
    for (const call of ['stop', 'start'] as const) {
      const { id } = await client().environments[call]({ commandId: newCommandId(), environment: 'a' })
      expect((await wait(id)).status.kind).toBe('succeeded')
    }
    expect(host.machine.guests.ids()).toHaveLength(3)
  })

  it('are counted from the accepted spawn to the end of the destroy', async () => {
    await owners().put({ name: 'team', limit: 1 })
    const release = host.driver.hold('startGuest')
    const { id } = await spawn('a')
    expect(await countOf('team')).toBe(1)
    release()
    await wait(id)
    const { ticket } = await host.as('admin').environments.destroy.plan({ environment: 'a' })
    const holding = host.driver.hold('destroyHome')
    const run = { commandId: newCommandId(), environment: 'a', ticket: ticket.id, confirmName: 'a' }
    const destroying = await host.as('admin').environments.destroy.run(run)
    await expect.poll(() => host.driver.calls.destroyHome).toBe(1)
    expect(await countOf('team')).toBe(1)
    expect((await refusalOf(spawn('b'))).code).toBe('owner_limit_reached')
    holding()
    await wait(destroying.id)
    expect(await countOf('team')).toBe(0)
    expect((await spawn('b')).kind).toBe('spawn')
  })

  it('are not counted for a spawn that failed without a home, and are for one that failed with it', async () => {
    await owners().put({ name: 'team', limit: 1 })
    host.driver.failNext('createHome', new DriverFailure('disk_failed', 'No space.'))
    expect((await wait((await spawn('a')).id)).status.kind).toBe('failed')
    expect(await countOf('team')).toBe(0)
    host.driver.failNext('startGuest', new DriverFailure('hypervisor_failed', 'No.'))
    expect((await wait((await spawn('b')).id)).status.kind).toBe('failed')
    expect(await countOf('team')).toBe(1)
    expect((await refusalOf(spawn('c'))).code).toBe('owner_limit_reached')
  })
})
