import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DriverFailure } from '../../host-daemon/drivers/vm-driver.ts'
import {
  newCommandId,
  refusalOf,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'

const LIMITS = {
  sizeLimit: { cpus: 4, memoryMiB: 2048, homeMiB: 8192 },
  capacity: { environments: null, memoryMiB: 2048, homeMiB: 5000 },
}

describe('resize', () => {
  let host: FakeDriverDaemon
  const client = () => host.as('operator')
  const wait = (id: string) => client().operations.wait({ id, timeoutMs: 5_000 })
  const get = (name = 'web') => client().environments.get({ environment: name })
  const resize = (size: object, more: object = {}) =>
    client().environments.resize({ commandId: newCommandId(), environment: 'web', size, ...more })
  const stop = async (environment = 'web') =>
    wait((await client().environments.stop({ commandId: newCommandId(), environment })).id)
  const homeOf = async (name = 'web') => host.machine.homes.get((await get(name)).home.id)

  beforeEach(async () => {
    host = await startFakeDriverDaemon({ options: LIMITS })
    await wait((await client().environments.spawn(spawnInput('web'))).id)
  })
  afterEach(() => host.remove())

  it('changes what is given of a stopped environment, grows its home with what is in it, and records both sizes', async () => {
    await stop()
    const { home, generation } = await get()
    host.machine.homes.put(home.id, { homeId: home.id, sizeMiB: home.sizeMiB, content: 'thesis' })
    const operation = await resize({ cpus: 2, homeMiB: 2048 })
    expect(operation).toMatchObject({ kind: 'resize', stepCount: 2, step: 'grow_home', phase: null })
    expect(await wait(operation.id)).toMatchObject({ status: { kind: 'succeeded' }, step: 'set_size', phase: null })
    const after = await get()
    expect(after).toMatchObject({
      size: { cpus: 2, memoryMiB: 512, homeMiB: 2048 },
      home: { id: home.id, sizeMiB: 2048 },
      desired: 'stopped',
      observed: { kind: 'stopped' },
      generation: generation + 1,
      operationId: null,
    })
    expect(await homeOf()).toEqual({ homeId: home.id, sizeMiB: 2048, content: 'thesis' })
    const accepted = host.activity().find(({ action, outcome }) => action === 'resize' && outcome === 'accepted')
    expect(accepted?.detail).toMatchObject({
      from: { cpus: 1, memoryMiB: 512, homeMiB: 1024 },
      to: { cpus: 2, memoryMiB: 512, homeMiB: 2048 },
    })
    const started = await client().environments.start({ commandId: newCommandId(), environment: 'web' })
    expect(await wait(started.id)).toMatchObject({ status: { kind: 'succeeded' } })
  })

  it('is refused while a guest is there or meant to be there, and says to stop it', async () => {
    const refused = await refusalOf(resize({ cpus: 2 }))
    expect(refused).toMatchObject({ code: 'wrong_state', details: { observed: 'running', desired: 'running' } })
    expect(refused.message).toBe('web is running; only a stopped environment can be resized: stop it first.')
    const release = host.driver.hold('stopGuest')
    const stopping = await client().environments.stop({ commandId: newCommandId(), environment: 'web' })
    expect((await refusalOf(resize({ cpus: 2 }))).code).toBe('operation_in_flight')
    release()
    await wait(stopping.id)
    expect(await get()).toMatchObject({ size: { cpus: 1 }, generation: 2 })
    expect((await wait((await resize({ cpus: 2 })).id)).status.kind).toBe('succeeded')
  })

  it('takes one whose guest is positively gone, and leaves what is wanted of it as it was', async () => {
    host.machine.kill((await get()).boot?.id ?? '')
    await expect.poll(async () => (await get()).observed.kind).toBe('lost')
    expect((await wait((await resize({ memoryMiB: 1024 })).id)).status.kind).toBe('succeeded')
    expect(await get()).toMatchObject({ size: { memoryMiB: 1024 }, desired: 'running', observed: { kind: 'lost' } })
  })

  it('never shrinks a home, and names the field and both sizes', async () => {
    await stop()
    const refused = await refusalOf(resize({ homeMiB: 512, cpus: 2 }))
    expect(refused).toMatchObject({
      code: 'invalid_request',
      details: { field: 'size.homeMiB', present: 1024, asked: 512 },
    })
    expect(refused.message).toBe('size.homeMiB: the home of web has 1024 MiB and only grows; 512 MiB was asked for.')
    expect(await get()).toMatchObject({ size: { cpus: 1, homeMiB: 1024 }, generation: 2 })
    expect(host.driver.calls.growHome).toBe(0)
  })

  it('accepts the size that it has, and changes nothing', async () => {
    await stop()
    for (const size of [{}, { cpus: 1, memoryMiB: 512, homeMiB: 1024 }]) {
      expect((await wait((await resize(size)).id)).status.kind).toBe('succeeded')
      expect((await get()).size).toEqual({ cpus: 1, memoryMiB: 512, homeMiB: 1024 })
    }
    expect(host.driver.calls.growHome).toBe(0)
  })

  it("keeps to the contract's bounds, the host's and its capacity, counting only what is added", async () => {
    await stop()
    expect((await refusalOf(resize({ cpus: 99 }))).message).toContain('size.cpus: must be a whole number from 1 to 16')
    expect((await refusalOf(resize({ homeMiB: -5 }))).code).toBe('invalid_request')
    expect(await refusalOf(resize({ memoryMiB: 4096 }))).toMatchObject({
      code: 'host_limit_reached',
      details: { field: 'memoryMiB', limit: 2048 },
    })
    const tooMuch = await refusalOf(resize({ homeMiB: 6000 }))
    expect(tooMuch).toMatchObject({ code: 'host_limit_reached', details: { field: 'homeMiB', used: 1024 } })
    expect(tooMuch.message).toBe('This host has 1024 of at most 5000 homeMiB in use; 4976 more does not fit.')
    expect(host.driver.calls.growHome).toBe(0)
    expect((await wait((await resize({ homeMiB: 5000 })).id)).status.kind).toBe('succeeded')
  })

  it('has given its space away once it is accepted: what would not fit beside it is refused', async () => {
    await stop()
    const release = host.driver.hold('growHome')
    const { id } = await resize({ homeMiB: 4500 })
    const refused = await refusalOf(client().environments.spawn(spawnInput('other')))
    expect(refused).toMatchObject({ code: 'host_limit_reached', details: { field: 'homeMiB', used: 4500 } })
    expect((await get()).size.homeMiB).toBe(1024)
    release()
    expect((await wait(id)).status.kind).toBe('succeeded')
    expect((await refusalOf(client().environments.spawn(spawnInput('other')))).details).toMatchObject({ used: 4500 })
  })

  it('is one operation however often it is retried, and refuses a generation that has passed', async () => {
    await stop()
    const commandId = newCommandId()
    const first = await resize({ cpus: 2 }, { commandId, generation: 2 })
    await wait(first.id)
    expect((await resize({ cpus: 2 }, { commandId, generation: 2 })).id).toBe(first.id)
    expect((await refusalOf(resize({ cpus: 3 }, { commandId }))).code).toBe('command_id_reused')
    expect((await refusalOf(resize({ cpus: 3 }, { generation: 2 }))).code).toBe('generation_mismatch')
  })

  it('leaves the row as it was where the home cannot be grown, and says why', async () => {
    await stop()
    host.driver.failNext('growHome', new DriverFailure('disk_failed', 'The file system is damaged.'))
    const ended = await wait((await resize({ cpus: 2, homeMiB: 2048 })).id)
    expect(ended.status).toMatchObject({ kind: 'failed', failure: { code: 'engine_failed' } })
    expect(JSON.stringify(ended.status)).toContain('The file system is damaged.')
    expect(await get()).toMatchObject({
      size: { cpus: 1, homeMiB: 1024 },
      observed: { kind: 'stopped' },
      operationId: null,
    })
    expect((await wait((await resize({ cpus: 2, homeMiB: 2048 })).id)).status.kind).toBe('succeeded')
  })

  it('says that a home is gone, and makes none', async () => {
    await stop()
    host.machine.homes.delete((await get()).home.id)
    expect((await refusalOf(resize({ homeMiB: 2048 }))).code).toBe('home_gone')
    expect(host.machine.homes.ids()).toEqual([])
    expect((await get()).size.homeMiB).toBe(1024)
  })

  it('changes the row alone where no home was ever made', async () => {
    host.driver.failNext('createHome', new DriverFailure('disk_failed', 'No space.'))
    await wait((await client().environments.spawn(spawnInput('bare'))).id)
    expect((await get('bare')).observed.kind).toBe('failed')
    const operation = await resize({ homeMiB: 2048 }, { environment: 'bare' })
    expect((await wait(operation.id)).status.kind).toBe('succeeded')
    expect(host.driver.calls.growHome).toBe(0)
    expect(await get('bare')).toMatchObject({ size: { homeMiB: 2048 }, home: { sizeMiB: 2048, madeAt: null } })
    await wait((await client().environments.start({ commandId: newCommandId(), environment: 'bare' })).id)
    expect(await homeOf('bare')).toMatchObject({ sizeMiB: 2048 })
  })

  it('can be cancelled while the home grows; what has grown stays larger than the row says', async () => {
    await stop()
    const release = host.driver.hold('growHome')
    const { id } = await resize({ cpus: 2, homeMiB: 2048 })
    await expect.poll(() => host.driver.calls.growHome).toBe(1)
    await client().operations.cancel({ id })
    expect((await wait(id)).status.kind).toBe('cancelled')
    release()
    expect(await get()).toMatchObject({ size: { cpus: 1, homeMiB: 1024 }, operationId: null })
  })

  it('is finished by the next daemon, wherever a crash cut it off', async () => {
    await stop()
    const release = host.driver.hold('growHome')
    const { id } = await resize({ cpus: 2, homeMiB: 2048 })
    await expect.poll(() => host.driver.calls.growHome).toBe(1)
    // What the crashed daemon's program had done by then.
    const { home } = await get()
    host.machine.homes.put(home.id, { homeId: home.id, sizeMiB: 2048 })
    host = await host.crash()
    release()
    expect((await wait(id)).status.kind).toBe('succeeded')
    expect(await get()).toMatchObject({ size: { cpus: 2, homeMiB: 2048 }, home: { id: home.id, sizeMiB: 2048 } })
    expect(await homeOf()).toMatchObject({ sizeMiB: 2048 })
  })
})
