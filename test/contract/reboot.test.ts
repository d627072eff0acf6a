import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DriverFailure } from '../../host-daemon/drivers/vm-driver.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import {
  newCommandId,
  refusalOf,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import { waitFor } from '../support/wait-for.ts'

describe('reboot', () => {
  let host: FakeDriverDaemon
  const client = () => host.as('operator')
  const ended = ({ id }: Operation) => client().operations.wait({ id, timeoutMs: 5_000 })
  const get = () => client().environments.get({ environment: 'web' })
  const command = (more: object = {}) => ({ commandId: newCommandId(), environment: 'web', ...more })
  const reboot = (more: object = {}) => client().environments.reboot(command(more))
  const becomes = (kind: string) => waitFor(`the state ${kind}`, async () => (await get()).observed.kind === kind)

  beforeEach(async () => {
    host = await startFakeDriverDaemon()
    await ended(await client().environments.spawn(spawnInput('web')))
  })
  afterEach(async () => {
    expect(host.machine.mostGuestsPerHome).toBeLessThanOrEqual(1)
    await host.remove()
  })

  it('ends the guest and starts another with the same home', async () => {
    const { home } = await get()
    const operation = await ended(await reboot({ generation: 1 }))
    expect(operation).toMatchObject({ kind: 'reboot', status: { kind: 'succeeded' }, attempt: 1, phase: 'ready' })
    const steps = await client().operations.steps({ id: operation.id })
    expect(steps.map(({ step }) => step)).toEqual(['await_turn', 'stop_guest', 'start_guest', 'await_ready'])
    expect(await get()).toMatchObject({
      ...{ desired: 'running', generation: 2, home, boot: { ordinal: 2 } },
      observed: { kind: 'running', agent: 'answering' },
    })
  })

  it('leaves the guest alone while it waits for its turn', async () => {
    host = await host.restart({ options: { maxConcurrentStarts: 1 } })
    const boot = (await get()).boot?.id ?? ''
    const release = host.driver.hold('startGuest')
    const other = await client().environments.spawn(spawnInput('other'))
    await waitFor('the other to be starting', () => host.driver.calls.startGuest > 0)
    const waiting = await reboot()
    await waitFor('the wait', async () => (await client().operations.get({ id: waiting.id })).step === 'await_turn')
    expect(host.machine.guests.get(boot)).toBeDefined()
    expect(await get()).toMatchObject({ observed: { kind: 'running' }, operationId: waiting.id })
    release()
    await ended(other)
    expect(await ended(waiting)).toMatchObject({ status: { kind: 'succeeded' } })
    expect(host.machine.guests.get(boot)).toBeUndefined()
  })

  it('is refused where there is no guest, and says what to do instead', async () => {
    host.machine.kill((await get()).boot?.id ?? '')
    await becomes('lost')
    const lost = await refusalOf(reboot())
    expect(lost).toMatchObject({ code: 'wrong_state', message: 'web is lost: there is no guest to reboot.' })
    expect(lost.hint).toContain('Recover it instead')
    await ended(await client().environments.stop(command()))
    const stopped = await refusalOf(reboot())
    expect(stopped.hint).toContain('Start it instead')
    expect(await get()).toMatchObject({ generation: 2, operationId: null })
  })

  it('names whoever works on it rather than a state that passes', async () => {
    const release = host.driver.hold('stopGuest')
    const first = await reboot()
    await waitFor('the stop', async () => (await get()).observed.kind === 'stopping')
    expect((await refusalOf(reboot())).code).toBe('operation_in_flight')
    release()
    await ended(first)
  })

  it('works on a guest that cannot be asked', async () => {
    host.driver.unknownInspections = Number.MAX_SAFE_INTEGER
    await becomes('unknown')
    const operation = await reboot()
    host.driver.unknownInspections = 0
    expect(await ended(operation)).toMatchObject({ status: { kind: 'succeeded' } })
  })

  it('does not end a guest whose home is positively gone', async () => {
    host.machine.homes.delete((await get()).home.id)
    expect((await refusalOf(reboot())).code).toBe('home_gone')
    expect(await get()).toMatchObject({ generation: 1, observed: { kind: 'running' } })
    expect((await get()).home.goneAt).not.toBeNull()
  })

  it('leaves a failed environment with its home where the guest does not come back', async () => {
    host.driver.failNext('startGuest', new DriverFailure('hypervisor_failed', 'It did not come up.'))
    expect(await ended(await reboot())).toMatchObject({ status: { kind: 'failed' } })
    expect((await get()).observed).toMatchObject({ kind: 'failed', reason: 'hypervisor_failed' })
    expect(host.machine.homes.ids()).toHaveLength(1)
  })

  it('leaves it stopped when it is cancelled behind the end of the guest', async () => {
    host.driver.hold('ready')
    const operation = await reboot()
    await waitFor('the wait', async () => (await client().operations.get({ id: operation.id })).step === 'await_ready')
    await client().operations.cancel({ id: operation.id })
    expect(await ended(operation)).toMatchObject({ status: { kind: 'cancelled' } })
    expect(await get()).toMatchObject({ desired: 'stopped', observed: { kind: 'stopped' } })
    expect(host.machine.guests.ids()).toEqual([])
  })

  it.each(['stopGuest', 'startGuest', 'ready'] as const)(
    'is finished by the next daemon when this one was killed in %s',
    async (action) => {
      const before = host.driver.calls[action]
      host.driver.hold(action)
      const { id } = await reboot()
      await waitFor(action, () => host.driver.calls[action] > before)
      host = await host.crash()
      const operation = await client().operations.wait({ id, timeoutMs: 5_000 })
      expect(operation).toMatchObject({ status: { kind: 'succeeded' } })
      expect(await get()).toMatchObject({ observed: { kind: 'running' }, operationId: null })
      expect(host.machine.guests.ids()).toHaveLength(1)
    },
  )
})
