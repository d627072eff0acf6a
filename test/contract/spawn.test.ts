import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { DriverFailure } from '../../host-daemon/drivers/vm-driver.ts'
import { BootAges } from '../../host-daemon/environments/boot-ages.ts'
import {
  newCommandId,
  refusalOf,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'

const MANY = 200

describe('spawn', () => {
  let host: FakeDriverDaemon
  beforeEach(async () => {
    host = await startFakeDriverDaemon()
  })
  afterEach(async () => {
    vi.restoreAllMocks()
    await host.remove()
  })

  it('is answered at once and brings an environment to running', async () => {
    const client = host.as('operator')
    const accepted = await client.environments.spawn(spawnInput('web-1'))
    expect(accepted).toMatchObject({ kind: 'spawn', status: { kind: 'running' }, phase: 'requested', attempt: null })
    const ended = await client.operations.wait({ id: accepted.id, timeoutMs: 5_000 })
    expect(ended).toMatchObject({ status: { kind: 'succeeded' }, phase: 'ready', attempt: 1, isCancellable: false })
    const environment = await client.environments.get({ environment: 'web-1' })
    expect(environment).toMatchObject({
      name: 'web-1',
      desired: 'running',
      observed: { kind: 'running', agent: 'answering' },
      operationId: null,
      generation: 1,
      boot: { ordinal: 1 },
    })
  })

  it('makes one environment of 200 concurrent spawns with one commandId', async () => {
    const client = host.as('operator')
    const input = spawnInput('once')
    const operations = await Promise.all(Array.from({ length: MANY }, () => client.environments.spawn(input)))
    expect(new Set(operations.map(({ id }) => id)).size).toBe(1)
    const { environments } = await client.environments.list()
    expect(environments).toHaveLength(1)
    expect(host.driver.calls.createHome).toBeLessThanOrEqual(1)
  })

  it('makes 5 of 200 concurrent spawns of an owner limited to 5, and says why for the rest', async () => {
    await host.as('admin').owners.put({ name: 'team', limit: 5 })
    const client = host.as('operator')
    const inputs = Array.from({ length: MANY }, (_, index) => spawnInput(`team-${index}`, 'team'))
    const spawns = inputs.map((input) => client.environments.spawn(input))
    const outcomes = await Promise.allSettled(spawns)
    const refused = spawns.filter((_, index) => outcomes[index]?.status === 'rejected')
    expect(refused).toHaveLength(195)
    const refusals = await Promise.all(refused.map((spawn) => refusalOf(spawn)))
    expect(new Set(refusals.map(({ code }) => code))).toEqual(new Set(['owner_limit_reached']))
    expect(refusals[0]?.message).toBe('team has 5 of at most 5 environments.')
    const { environments } = await client.environments.list({ owner: 'team' })
    expect(environments).toHaveLength(5)
  })

  it('refuses a reused commandId, a taken name and whoever may not own', async () => {
    const client = host.as('operator')
    const input = spawnInput('web-1')
    await client.environments.spawn(input)
    await host.as('admin').owners.put({ name: 'asleep', isActive: false, limit: 'unlimited' })
    const codeOf = async (other: object) => (await refusalOf(client.environments.spawn({ ...input, ...other }))).code
    expect(await codeOf({ name: 'web-2' })).toBe('command_id_reused')
    expect(await codeOf({ commandId: newCommandId() })).toBe('name_taken')
    expect(await codeOf({ commandId: newCommandId(), name: 'x', owner: 'stranger' })).toBe('owner_not_allowed')
    expect(await codeOf({ commandId: newCommandId(), name: 'x', owner: 'asleep' })).toBe('owner_inactive')
    expect(await codeOf({ commandId: newCommandId(), name: 'x', image: 'absent@1' })).toBe('not_found')
    expect((await refusalOf(host.as('operator', 'other').environments.spawn(input))).code).toBe('command_id_reused')
  })

  it('records who was refused what for an owner, a limit or a name, and none of what was only mistyped', async () => {
    await host.as('admin').owners.put({ name: 'asleep', isActive: false, limit: 'unlimited' })
    await host.as('admin').owners.put({ name: 'team', limit: 1 })
    const client = host.as('operator', 'alice')
    await client.environments.spawn(spawnInput('web-1', 'team'))
    const inputs = [
      spawnInput('web-1', 'local'),
      spawnInput('x', 'team'),
      spawnInput('x', 'asleep'),
      spawnInput('x', 'stranger'),
      { ...spawnInput('x'), image: 'absent@1' },
    ]
    for (const input of inputs) await refusalOf(client.environments.spawn(input))
    const refused = host.activity().filter(({ action, outcome }) => action === 'spawn' && outcome === 'refused')
    expect(refused.map(({ detail }) => [detail.code, detail.owner, detail.name])).toEqual([
      ['name_taken', 'local', 'web-1'],
      ['owner_limit_reached', 'team', 'x'],
      ['owner_inactive', 'asleep', 'x'],
      ['owner_not_allowed', 'stranger', 'x'],
    ])
    expect(refused.every(({ actor, environmentId }) => actor?.user === 'alice' && environmentId === null)).toBe(true)
  })

  it('that fails at its start leaves no measure of time behind', async () => {
    const begun = vi.spyOn(BootAges.prototype, 'begin')
    const forgotten = vi.spyOn(BootAges.prototype, 'forget')
    const never = new DriverFailure('hypervisor_failed', 'So.')
    for (let time = 0; time < 10; time += 1) host.driver.failNext('startGuest', never)
    const { id } = await host.as('operator').environments.spawn(spawnInput('web-1'))
    const ended = await host.as('operator').operations.wait({ id, timeoutMs: 5_000 })
    expect(ended.status.kind).toBe('failed')
    expect(begun).toHaveBeenCalled()
    expect(forgotten.mock.invocationCallOrder.at(-1)).toBeGreaterThan(begun.mock.invocationCallOrder.at(-1)!)
    expect(forgotten).toHaveBeenLastCalledWith(begun.mock.lastCall![0])
  })
})
