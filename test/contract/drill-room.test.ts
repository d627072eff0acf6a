import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { Operation } from '../../src-shared/model/operation.ts'
import {
  newCommandId,
  refusalOf,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import { readStore, UNSCHEDULED } from '../support/made-points.ts'
import { answerAsTold, endOf, makePoint } from '../support/point-bench.ts'
import { waitFor } from '../support/wait-for.ts'

/** Room for two guests of these tests: each has 512 MiB. */
const MEMORY_MIB = 1024
const OPTIONS = {
  observeIntervalMs: 50,
  recovery: { ...UNSCHEDULED, tickMs: 50 },
  letGoMs: 50,
  capacity: { environments: null, memoryMiB: MEMORY_MIB, homeMiB: null },
}

describe('the memory of a drill', () => {
  let host: FakeDriverDaemon
  const admin = () => host.as('admin')
  const drill = (more: object = {}) =>
    admin().drill({ commandId: newCommandId(), environment: 'web', point: 'latest', ...more })
  const codeOf = async (call: Promise<unknown>) => (await refusalOf(call)).code
  const step = (id: Operation['id'], name: string) =>
    waitFor(name, async () => (await admin().operations.get({ id })).step === name)
  const spawnBeside = async () =>
    (await endOf(host, await admin().environments.spawn(spawnInput('beside')))).status.kind
  const pointNow = async () => (await admin().backups.points({ environment: 'web' }))[0]!

  beforeEach(async () => {
    host = await startFakeDriverDaemon({ options: OPTIONS })
    host.driver.onProgram = answerAsTold
    await makePoint(host)
  })
  afterEach(() => host.remove())

  it('is its own: nothing else comes up on it until it has ended', async () => {
    const release = host.driver.hold('runInGuest')
    const { id } = await drill()
    await step(id, 'check_guest')
    const refused = await refusalOf(admin().environments.spawn(spawnInput('beside')))
    expect(refused).toMatchObject({
      code: 'host_limit_reached',
      details: { field: 'memoryMiB', limit: MEMORY_MIB, used: MEMORY_MIB },
    })
    expect(await codeOf(drill())).toBe('host_limit_reached')
    release()
    expect((await endOf(host, { id })).status.kind).toBe('succeeded')
    expect(await spawnBeside()).toBe('succeeded')
    expect(await codeOf(drill())).toBe('host_limit_reached')
    expect(host.machine.guests.ids()).toHaveLength(2)
  })

  it("is no one's to refuse the environment itself, to which the drill gives way", async () => {
    await endOf(host, await admin().environments.stop({ commandId: newCommandId(), environment: 'web' }))
    expect(await spawnBeside()).toBe('succeeded')
    host.driver.hold('runInGuest')
    const { id } = await drill()
    await step(id, 'check_guest')
    expect(await codeOf(admin().environments.spawn(spawnInput('third')))).toBe('host_limit_reached')
    await admin().restore.plan({ environment: 'web', point: 'latest' })
    await admin().environments.reset.plan({ environment: 'web' })
    const start = await admin().environments.start({ commandId: newCommandId(), environment: 'web' })
    expect((await endOf(host, start)).status.kind).toBe('succeeded')
    expect((await endOf(host, { id })).status.kind).toBe('cancelled')
    expect(host.machine.guests.ids()).toHaveLength(2)
  })

  it('is not taken where others have come up while it waited, and nothing is said of the point', async () => {
    const release = host.repositories.hold('list')
    const { id } = await drill()
    await step(id, 'check_point')
    expect(await spawnBeside()).toBe('succeeded')
    release()
    expect((await endOf(host, { id })).status).toMatchObject({ failure: { code: 'host_limit_reached' } })
    expect(await pointNow()).toMatchObject({ hasPassedDrill: null, drilledAt: null })
    expect(host.machine.guests.ids()).toHaveLength(2)
  })

  /** A drill whose guest could be ended neither by its last step nor by its undo. */
  const drillThatLeavesItsGuest = async () => {
    for (let time = 0; time < 2; time += 1) host.driver.failNext('stopGuest', new Error('It will not end.'))
    const { id, status } = await endOf(host, await drill())
    expect(status.kind).toBe('failed')
    host.driver.forgetFailures()
    expect(host.machine.guests.ids()).toHaveLength(2)
    const { homeId, record } = readStore(host, (store) => store.scratchGuests.of(id))!
    return { homeId, bootId: record.bootId }
  }
  const spawnNow = () => admin().environments.spawn(spawnInput('beside'))

  it('is its own beyond its end, until the guest that it could not end has been cleaned up', async () => {
    const { bootId } = await drillThatLeavesItsGuest()
    expect(await codeOf(spawnNow())).toBe('host_limit_reached')
    const { items } = await admin().drift.list({})
    expect(items.map(({ kind }) => kind).sort()).toEqual(['guest', 'home'])
    expect(await codeOf(spawnNow())).toBe('host_limit_reached')
    const { ticket } = await admin().drift.plan({ items: [`guest:${bootId}`] })
    const cleaned = await admin().drift.run({ commandId: newCommandId(), ticket: ticket.id, confirmName: 'test-host' })
    expect(cleaned.removed).toEqual([`guest:${bootId}`])
    expect(await spawnBeside()).toBe('succeeded')
  })

  it('outlives the record of operations as long as its guest does', async () => {
    await drillThatLeavesItsGuest()
    readStore(host, (store) => store.operations.prune(Date.now() + 1))
    expect(await codeOf(spawnNow())).toBe('host_limit_reached')
  })

  const freed = () => waitFor('the look', () => readStore(host, (store) => store.scratchGuests.left()).length === 0)

  it('is free once the guest is seen to be gone by itself, whoever looks at the host', async () => {
    const { bootId } = await drillThatLeavesItsGuest()
    expect(await codeOf(spawnNow())).toBe('host_limit_reached')
    host.machine.kill(bootId)
    await freed()
    expect(await spawnBeside()).toBe('succeeded')
  })

  it('is free though the home of the drill could not be removed', async () => {
    for (let time = 0; time < 2; time += 1) host.driver.failNext('destroyHome', new Error('The disk does not answer.'))
    expect((await endOf(host, await drill())).status.kind).toBe('failed')
    await freed()
    expect((await admin().drift.list({})).items.map(({ kind }) => kind)).toEqual(['home'])
    expect(await spawnBeside()).toBe('succeeded')
  })

  it('is free after a start that finds neither its guest nor its home', async () => {
    const { bootId, homeId } = await drillThatLeavesItsGuest()
    host.machine.kill(bootId)
    host.machine.homes.delete(homeId)
    host = await host.restart()
    await freed()
    expect(await spawnBeside()).toBe('succeeded')
  })

  it('is enough to keep what its guest was', async () => {
    const done = await endOf(host, await drill({ promoteTo: { name: 'twin', owner: 'local' } }))
    expect(done).toMatchObject({ status: { kind: 'succeeded' }, result: { isPassed: true } })
    expect(await spawnBeside()).toBe('succeeded')
  })
})
