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
import type { FakeAction } from '../support/fake-vm-driver.ts'
import { waitFor } from '../support/wait-for.ts'

const tooSlow = () => new DriverFailure('agent_timeout', 'No answer within 9 s.')

describe('recover', () => {
  let host: FakeDriverDaemon
  const client = () => host.as('operator')
  const ended = ({ id }: Operation) => client().operations.wait({ id, timeoutMs: 5_000 })
  const get = () => client().environments.get({ environment: 'web' })
  const command = (more: object = {}) => ({ commandId: newCommandId(), environment: 'web', ...more })
  const recover = (more: object = {}) => client().environments.recover(command(more))
  const stop = async () => ended(await client().environments.stop(command()))
  const becomes = (kind: string) => waitFor(`the state ${kind}`, async () => (await get()).observed.kind === kind)
  const outcomes = (action = 'recover') =>
    host
      .activity()
      .filter((entry) => entry.action === action)
      .map(({ outcome }) => outcome)
  const stepsOf = async ({ id }: Operation) =>
    (await client().operations.steps({ id })).map(({ direction, step }) =>
      direction === 'forward' ? step : `undo ${step}`,
    )

  beforeEach(async () => {
    host = await startFakeDriverDaemon()
    await ended(await client().environments.spawn(spawnInput('web')))
  })
  afterEach(async () => {
    expect(host.machine.mostGuestsPerHome).toBeLessThanOrEqual(1)
    await host.remove()
  })

  it('reboots what runs, with its home, and counts its one attempt from 1', async () => {
    const before = await get()
    const accepted = await recover({ reason: 'it hangs', generation: 1 })
    expect(accepted).toMatchObject({ kind: 'recover', attempt: null, phase: 'requested' })
    const operation = await ended(accepted)
    expect(operation).toMatchObject({ status: { kind: 'succeeded' }, attempt: 1, phase: 'ready' })
    const steps = ['check_home', 'await_turn', 'end_guest', 'prepare_home', 'start_guest', 'await_ready']
    expect(await stepsOf(operation)).toEqual(steps)
    expect(await get()).toMatchObject({
      ...{ desired: 'running', generation: 2, home: before.home },
      ...{ observed: { kind: 'running', agent: 'answering' }, boot: { ordinal: 2 } },
    })
    expect(host.machine.guests.ids()).toHaveLength(1)
    expect(outcomes()).toEqual(['accepted', 'succeeded'])
    expect(host.activity().find(({ action }) => action === 'recover')?.detail).toMatchObject({ reason: 'it hangs' })
  })

  it('is accepted of what is stopped, lost or failed, and brings each back with its home', async () => {
    const { home } = await get()
    const works = async () => {
      expect(await ended(await recover())).toMatchObject({ status: { kind: 'succeeded' }, attempt: 1 })
      expect(await get()).toMatchObject({ desired: 'running', observed: { kind: 'running' }, home })
    }
    await stop()
    await works()
    host.machine.kill((await get()).boot?.id ?? '')
    await becomes('lost')
    await works()
    await stop()
    host.driver.failNext('ready', tooSlow())
    await ended(await client().environments.start(command()))
    expect((await get()).observed.kind).toBe('failed')
    await works()
    host.driver.unknownInspections = Number.MAX_SAFE_INTEGER
    await becomes('unknown')
    const recovering = await recover()
    host.driver.unknownInspections = 0
    expect(await ended(recovering)).toMatchObject({ status: { kind: 'succeeded' } })
    expect(await get()).toMatchObject({ observed: { kind: 'running' }, home })
  })

  it('recreates the guest around the same home where the reboot fails', async () => {
    const before = await get()
    host.driver.failNext('ready', tooSlow())
    const operation = await ended(await recover())
    expect(operation).toMatchObject({ status: { kind: 'succeeded' }, attempt: 2 })
    expect(await stepsOf(operation)).toEqual([
      ...['check_home', 'await_turn', 'end_guest', 'prepare_home', 'start_guest', 'await_ready'],
      ...['undo start_guest', 'undo prepare_home', 'end_guest', 'prepare_home', 'start_guest', 'await_ready'],
    ])
    expect(await get()).toMatchObject({ home: before.home, boot: { ordinal: 3 }, observed: { kind: 'running' } })
    expect(host.machine.homes.ids()).toEqual([before.home.id])
    expect(host.driver.calls.createHome).toBe(1)
  })

  it('fails after the second attempt, says why, and keeps the home', async () => {
    const { home } = await get()
    host.driver.failNext('ready', tooSlow())
    host.driver.failNext('ready', tooSlow())
    const operation = await ended(await recover())
    expect(operation).toMatchObject({ status: { kind: 'failed', failure: { code: 'engine_failed' } }, attempt: 2 })
    expect((await get()).observed).toMatchObject({ kind: 'failed', reason: 'agent_timeout' })
    expect(host.machine.homes.ids()).toEqual([home.id])
    expect(host.machine.guests.ids()).toEqual([])
    expect(outcomes()).toEqual(['accepted', 'rolled_back', 'failed'])
  })

  it('ends by force, at the second attempt, a guest that would not end at the first', async () => {
    host.driver.failNext('stopGuest', new Error('It would not die.'))
    expect(await ended(await recover())).toMatchObject({ status: { kind: 'succeeded' }, attempt: 2 })
    expect(host.machine.guests.ids()).toHaveLength(1)
  })

  it('leaves a guest as it is that cannot be ended, and says so', async () => {
    const { boot } = await get()
    for (let times = 0; times < 2; times += 1) host.driver.failNext('stopGuest', new Error('It would not die.'))
    expect((await ended(await recover())).status).toMatchObject({
      ...{ kind: 'failed', failure: { details: { reason: 'cleanup_failed' } } },
    })
    await becomes('running')
    expect(await get()).toMatchObject({ boot })
  })

  it('stops at a home that is positively gone, says so, and leaves the guest alone', async () => {
    const { home, boot } = await get()
    host.machine.homes.delete(home.id)
    const operation = await ended(await recover())
    expect(operation.status).toMatchObject({ kind: 'failed', failure: { code: 'home_gone' } })
    expect(await stepsOf(operation)).toEqual(['check_home'])
    expect(operation.attempt).toBeNull()
    expect(await get()).toMatchObject({ observed: { kind: 'running' }, boot, home: { id: home.id } })
    expect((await get()).home.goneAt).toBeGreaterThan(0)
    expect(host.machine.guests.ids()).toEqual([boot?.id])
    expect(host.machine.homes.ids()).toEqual([])
    expect(outcomes()).toEqual(['accepted', 'stopped_home_gone'])
    host.machine.homes.put(home.id, { homeId: home.id, sizeMiB: 16 })
    await ended(await recover())
    expect(await get()).toMatchObject({ observed: { kind: 'running' }, home: { goneAt: null } })
    const news = host.activity().filter(({ action }) => action.startsWith('home.'))
    expect(news.map(({ action, outcome, detail }) => [action, outcome, detail['homeId']])).toEqual([
      ['home.gone', 'noticed', home.id],
      ['home.found', 'noticed', home.id],
    ])
  })

  it('leaves what is stopped or lost as it is where the home is gone, and never makes a fresh one', async () => {
    const { home } = await get()
    await stop()
    host.machine.homes.delete(home.id)
    await ended(await recover())
    expect(await get()).toMatchObject({ desired: 'stopped', observed: { kind: 'stopped' } })
    expect((await refusalOf(client().environments.start(command()))).code).toBe('home_gone')
    expect(host.machine.homes.ids()).toEqual([])
    expect(host.driver.calls.createHome).toBe(1)
  })

  it('concludes nothing from a question about the home that failed, and touches nothing', async () => {
    const { boot } = await get()
    host.driver.failNext('inspectHome', new Error('The disk did not answer.'))
    const { status } = await ended(await recover())
    expect(status).toMatchObject({ kind: 'failed', failure: { code: 'engine_failed' } })
    expect(status.kind === 'failed' && status.failure.message).toContain('The disk did not answer.')
    expect(await get()).toMatchObject({ observed: { kind: 'running' }, boot, home: { goneAt: null } })
    expect(outcomes()).toEqual(['accepted', 'failed'])
  })

  it('makes the home that a failed spawn never made, and counts it again', async () => {
    await host.as('admin').owners.put({ name: 'team', limit: 1 })
    host.driver.failNext('createHome', new DriverFailure('disk_failed', 'The disk is full.'))
    await ended(await client().environments.spawn(spawnInput('t-1', 'team')))
    const count = async () =>
      (await client().owners.list()).find(({ name }) => name === 'team')?.environmentCount ?? Number.NaN
    expect(await count()).toBe(0)
    await ended(await client().environments.spawn(spawnInput('t-2', 'team')))
    expect(await count()).toBe(1)
    const again = () => client().environments.recover(command({ environment: 't-1' }))
    expect((await refusalOf(again())).code).toBe('owner_limit_reached')
    expect((await refusalOf(client().environments.start(command({ environment: 't-1' })))).code).toBe(
      'owner_limit_reached',
    )
    expect(await client().environments.get({ environment: 't-1' })).toMatchObject({ generation: 1, operationId: null })
    await host.as('admin').owners.put({ name: 'team', limit: 2, isActive: false })
    expect((await refusalOf(again())).code).toBe('owner_inactive')
    await host.as('admin').owners.put({ name: 'team', isActive: true })
    expect(await ended(await again())).toMatchObject({ status: { kind: 'succeeded' } })
    expect(await count()).toBe(2)
  })

  it('does not count a home that again could not be made', async () => {
    await host.as('admin').owners.put({ name: 'team', limit: 1 })
    const full = () => host.driver.failNext('createHome', new DriverFailure('disk_failed', 'The disk is full.'))
    full()
    await ended(await client().environments.spawn(spawnInput('t-1', 'team')))
    full()
    full()
    const { status } = await ended(await client().environments.recover(command({ environment: 't-1' })))
    expect(status).toMatchObject({ kind: 'failed', failure: { details: { reason: 'disk_failed' } } })
    expect(await ended(await client().environments.spawn(spawnInput('t-2', 'team')))).toMatchObject({
      status: { kind: 'succeeded' },
    })
  })

  it('refuses a state that the caller has not seen, a busy environment, and a useless driver', async () => {
    expect((await refusalOf(recover({ generation: 7 }))).code).toBe('generation_mismatch')
    const release = host.driver.hold('stopGuest')
    const first = await host.as('operator', 'alice').environments.recover(command())
    await waitFor('the stop', () => host.driver.calls.stopGuest === 1)
    const refused = await refusalOf(recover())
    expect(refused.message).toMatch(/^alice is running recover on web: step end_guest, for \d+ s\.$/)
    release()
    await ended(first)
  })

  it('answers a retry with the same operation', async () => {
    const input = command()
    const first = await client().environments.recover(input)
    expect((await client().environments.recover(input)).id).toBe(first.id)
    await ended(first)
    expect((await client().environments.recover(input)).id).toBe(first.id)
    const other = { ...input, reason: 'other' }
    expect((await refusalOf(client().environments.recover(other))).code).toBe('command_id_reused')
  })

  it('leaves the truth when it is cancelled: stopped once the guest was ended, untouched before', async () => {
    const release = host.driver.hold('inspectHome')
    const early = await recover()
    await waitFor('the look', () => host.driver.calls.inspectHome > 0)
    await client().operations.cancel({ id: early.id })
    release()
    expect(await ended(early)).toMatchObject({ status: { kind: 'cancelled' } })
    expect(await get()).toMatchObject({ desired: 'running', observed: { kind: 'running' }, boot: { ordinal: 1 } })
    host.driver.hold('ready')
    const late = await recover()
    await waitFor('the wait', async () => (await client().operations.get({ id: late.id })).step === 'await_ready')
    await client().operations.cancel({ id: late.id })
    expect(await ended(late)).toMatchObject({ status: { kind: 'cancelled' } })
    expect(await get()).toMatchObject({ desired: 'stopped', observed: { kind: 'stopped' } })
    expect(host.machine.guests.ids()).toEqual([])
    expect(host.machine.homes.ids()).toHaveLength(1)
  })

  it.each(['inspectHome', 'stopGuest', 'startGuest', 'ready'] as const)(
    'is finished by the next daemon when this one was killed in %s',
    async (action: FakeAction) => {
      const { home } = await get()
      const before = host.driver.calls[action]
      host.driver.hold(action)
      const { id } = await recover()
      await waitFor(action, () => host.driver.calls[action] > before)
      host = await host.crash()
      const operation = await client().operations.wait({ id, timeoutMs: 5_000 })
      expect(operation).toMatchObject({ status: { kind: 'succeeded' }, attempt: 1 })
      expect(await get()).toMatchObject({ observed: { kind: 'running', agent: 'answering' }, home, operationId: null })
      expect(host.machine.guests.ids()).toHaveLength(1)
      expect(host.machine.homes.ids()).toEqual([home.id])
      expect(outcomes()).toEqual(['accepted', 'interrupted', 'resumed', 'succeeded'])
    },
  )
})
