import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  newCommandId,
  refusalOf,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import { waitFor } from '../support/wait-for.ts'

describe('cancel', () => {
  let host: FakeDriverDaemon
  const client = () => host.as('operator')
  const wait = (id: string, timeoutMs = 5_000) => client().operations.wait({ id, timeoutMs })
  const atStep = (id: string, step: string) =>
    waitFor(`step ${step}`, async () => (await client().operations.get({ id })).step === step)

  beforeEach(async () => {
    host = await startFakeDriverDaemon()
  })
  afterEach(() => host.remove())

  it('leaves nothing of a spawn that was waiting for its guest', async () => {
    host.driver.hold('ready')
    const { id } = await client().environments.spawn(spawnInput('web'))
    await atStep(id, 'await_ready')
    await client().operations.cancel({ id })
    expect(await wait(id)).toMatchObject({ status: { kind: 'cancelled' } })
    expect(host.machine.guests.ids()).toEqual([])
    expect(host.machine.homes.ids()).toEqual([])
    expect((await refusalOf(client().environments.get({ environment: 'web' }))).code).toBe('not_found')
    await client().environments.spawn(spawnInput('web'))
  })

  it('takes a waiting spawn out of the queue', async () => {
    host.driver.hold('ready')
    const operations = []
    for (let index = 0; index < 3; index += 1) operations.push(await client().environments.spawn(spawnInput()))
    const last = operations[2]?.id ?? ''
    await atStep(operations[1]?.id ?? '', 'await_ready')
    expect(await client().operations.get({ id: last })).toMatchObject({ step: 'await_turn', isCancellable: true })
    await client().operations.cancel({ id: last })
    expect(await wait(last)).toMatchObject({ status: { kind: 'cancelled' } })
  })

  it('leaves a cancelled start stopped, with its home', async () => {
    await wait((await client().environments.spawn(spawnInput('web'))).id)
    await wait((await client().environments.stop({ commandId: newCommandId(), environment: 'web' })).id)
    host.driver.hold('ready')
    const { id } = await client().environments.start({ commandId: newCommandId(), environment: 'web' })
    await atStep(id, 'await_ready')
    await client().operations.cancel({ id })
    expect(await wait(id)).toMatchObject({ status: { kind: 'cancelled' } })
    const environment = await client().environments.get({ environment: 'web' })
    expect(environment).toMatchObject({ desired: 'stopped', observed: { kind: 'stopped' } })
    expect(host.machine.homes.ids()).toEqual([environment.home.id])
    expect(host.machine.guests.ids()).toEqual([])
  })

  it('goes on where stopping in the middle would not be safe', async () => {
    await wait((await client().environments.spawn(spawnInput('web'))).id)
    const release = host.driver.hold('stopGuest')
    const { id } = await client().environments.stop({ commandId: newCommandId(), environment: 'web' })
    await waitFor('the stop', () => host.driver.calls.stopGuest === 1)
    expect(await client().operations.cancel({ id })).toMatchObject({
      status: { kind: 'running' },
      isCancellable: false,
    })
    release()
    expect(await wait(id)).toMatchObject({ status: { kind: 'succeeded' } })
  })

  it('answers a wait with the present state when its time is up', async () => {
    host.driver.hold('createHome')
    const { id } = await client().environments.spawn(spawnInput('web'))
    expect(await wait(id, 30)).toMatchObject({ status: { kind: 'running' } })
    expect((await refusalOf(wait('op-0000000000000000'))).code).toBe('not_found')
  })

  it('of what only an admin may start is only an admin’s too', async () => {
    await wait((await client().environments.spawn(spawnInput('web'))).id)
    const { ticket } = await host.as('admin').environments.reset.plan({ environment: 'web' })
    const release = host.driver.hold('ready')
    const input = { commandId: newCommandId(), environment: 'web', ticket: ticket.id, confirmName: 'web' }
    const { id } = await host.as('admin').environments.reset.run(input)
    await atStep(id, 'await_ready')
    const refusal = await refusalOf(client().operations.cancel({ id }))
    expect(refusal).toMatchObject({ code: 'forbidden', details: { needed: 'admin', held: 'operator' } })
    expect(refusal.message).toBe('Cancelling reset on web needs the role admin; this connection has operator.')
    expect(host.activity().filter(({ action }) => action === 'cancel')).toEqual([])
    release()
    expect((await wait(id)).status.kind).toBe('succeeded')
  })
})
