import Database from 'better-sqlite3'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { FakeAction } from '../support/fake-vm-driver.ts'
import {
  newCommandId,
  refusalOf,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import { waitFor } from '../support/wait-for.ts'

interface ActivityRow {
  action: string
  outcome: string
}

describe('a daemon that starts again', () => {
  let host: FakeDriverDaemon
  const client = () => host.as('admin')
  const wait = (id: string) => client().operations.wait({ id, timeoutMs: 5_000 })
  const get = (environment = 'web') => client().environments.get({ environment })
  const spawned = async (name = 'web') => wait((await client().environments.spawn(spawnInput(name))).id)
  const outcomesOf = (action: string) => {
    const db = new Database(join(host.folder, 'pilothoused.db'), { readonly: true })
    const rows = db.prepare<[string], ActivityRow>('SELECT * FROM activity WHERE action = ? ORDER BY seq').all(action)
    db.close()
    return rows.map(({ outcome }) => outcome)
  }
  /** Kills the daemon while the command is in the middle of `action`, and starts the next one. */
  const crashIn = async (action: FakeAction, command: () => Promise<{ id: string }>) => {
    const before = host.driver.calls[action]
    host.driver.hold(action)
    const { id } = await command()
    await waitFor(`${action} to begin`, () => host.driver.calls[action] > before)
    host = await host.crash()
    return id
  }

  beforeEach(async () => {
    host = await startFakeDriverDaemon()
  })
  afterEach(() => host.remove())

  it('finds its guests running, in a new epoch, with nothing done to them', async () => {
    await spawned()
    const before = await get()
    const { epoch } = await client().hello()
    host = await host.restart()
    expect(await get()).toMatchObject({ observed: before.observed, boot: before.boot, generation: 1 })
    expect((await get()).observedAt).toBeGreaterThan(before.observedAt)
    expect((await client().hello()).epoch).not.toBe(epoch)
    expect(host.driver.calls).toMatchObject({ startGuest: 0, stopGuest: 0 })
  })

  it('says lost of a guest that ended while nobody looked', async () => {
    await spawned()
    await host.stop()
    for (const id of host.machine.guests.ids()) host.machine.kill(id)
    host = await startFakeDriverDaemon({ folder: host.folder, machine: host.machine })
    expect((await get()).observed).toMatchObject({ kind: 'lost', detail: 'Its process has ended.' })
    expect(outcomesOf('guest.gone')).toEqual(['lost'])
  })

  it.each(['createHome', 'startGuest', 'ready'] as const)('finishes a spawn that was killed in %s', async (action) => {
    const id = await crashIn(action, () => client().environments.spawn(spawnInput('web')))
    expect(await wait(id)).toMatchObject({ status: { kind: 'succeeded' }, attempt: 1 })
    expect(await get()).toMatchObject({ observed: { kind: 'running', agent: 'answering' }, operationId: null })
    expect(host.machine.guests.ids()).toHaveLength(1)
    expect(host.machine.mostGuestsPerHome).toBe(1)
    expect(outcomesOf('spawn')).toEqual(['accepted', 'interrupted', 'resumed', 'succeeded'])
  })

  it('adopts the guest of an interrupted spawn instead of starting another', async () => {
    const id = await crashIn('ready', () => client().environments.spawn(spawnInput('web')))
    await wait(id)
    expect((await get()).boot).toMatchObject({ ordinal: 1 })
    expect(host.driver.calls.startGuest).toBe(0)
  })

  it.each(['stopGuest', 'destroyHome'] as const)('finishes a destroy that was killed in %s', async (action) => {
    await spawned()
    const { ticket } = await client().environments.destroy.plan({ environment: 'web' })
    const commandId = newCommandId()
    const input = { commandId, environment: 'web', ticket: ticket.id, confirmName: 'web' }
    const id = await crashIn(action, () => client().environments.destroy.run(input))
    expect(await wait(id)).toMatchObject({ status: { kind: 'succeeded' } })
    expect(host.machine.homes.ids()).toEqual([])
    expect((await refusalOf(get())).code).toBe('not_found')
    expect((await client().environments.destroy.run(input)).id).toBe(id)
  })

  it('goes on with a rollback that was killed', async () => {
    host.driver.hold('ready')
    const { id } = await client().environments.spawn(spawnInput('web'))
    await waitFor('the guest', async () => (await client().operations.get({ id })).step === 'await_ready')
    host.driver.hold('stopGuest')
    await client().operations.cancel({ id })
    await waitFor('the undo', () => host.driver.calls.stopGuest === 1)
    host = await host.crash()
    expect(await wait(id)).toMatchObject({ status: { kind: 'cancelled' } })
    expect(host.machine.guests.ids()).toEqual([])
    expect(host.machine.homes.ids()).toEqual([])
    expect(outcomesOf('spawn')).toEqual(['accepted', 'interrupted', 'rolling_back', 'rolled_back', 'cancelled'])
  })

  it('gives up on an operation over which it dies again and again, and frees the claim', async () => {
    host.driver.hold('createHome')
    const { id } = await client().environments.spawn(spawnInput('web'))
    for (let times = 1; times <= 4; times += 1) {
      await waitFor('the home to be made', () => host.driver.calls.createHome === 1)
      host = await host.crash({ arrange: (driver) => times < 4 && driver.hold('createHome') })
    }
    expect((await wait(id)).status).toMatchObject({ kind: 'failed', failure: { details: { reason: 'interrupted' } } })
    expect(await get()).toMatchObject({ observed: { kind: 'failed', reason: 'interrupted' }, operationId: null })
    const resumed = ['interrupted', 'resumed']
    expect(outcomesOf('spawn')).toEqual([
      ...['accepted', ...resumed, ...resumed, ...resumed],
      ...['interrupted', 'rolling_back', 'rolled_back', 'failed'],
    ])
  })

  it('takes up what it left when it was told to end, and queued starts wait for their turn again', async () => {
    host.driver.delayMs.ready = 40
    const operations = await Promise.all(Array.from({ length: 6 }, () => client().environments.spawn(spawnInput())))
    host = await host.restart({ arrange: (driver) => (driver.delayMs.ready = 5) })
    const outcomes = await Promise.all(operations.map(({ id }) => wait(id)))
    expect(outcomes.map(({ status }) => status.kind)).toEqual(Array.from({ length: 6 }, () => 'succeeded'))
    expect(host.machine.guests.ids()).toHaveLength(6)
    expect(host.machine.mostGuestsPerHome).toBe(1)
  })
})
