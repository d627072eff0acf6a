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

describe('start and stop', () => {
  let host: FakeDriverDaemon
  const client = () => host.as('operator')
  const ended = (operation: Operation) => client().operations.wait({ id: operation.id, timeoutMs: 5_000 })
  const spawned = async (name: string) => ended(await client().environments.spawn(spawnInput(name)))
  const get = (environment: string) => client().environments.get({ environment })
  const command = (environment = 'web') => ({ commandId: newCommandId(), environment })

  beforeEach(async () => {
    host = await startFakeDriverDaemon({ options: { maxStartAttempts: 2 } })
  })
  afterEach(() => host.remove())

  it('stops and starts again with the same home and a new boot', async () => {
    await spawned('web')
    const before = await get('web')
    expect(await ended(await client().environments.stop(command()))).toMatchObject({ status: { kind: 'succeeded' } })
    expect(await get('web')).toMatchObject({ desired: 'stopped', observed: { kind: 'stopped' }, generation: 2 })
    expect(host.machine.guests.ids()).toEqual([])
    await ended(await client().environments.start(command()))
    const after = await get('web')
    expect(after).toMatchObject({ desired: 'running', observed: { kind: 'running' }, generation: 3, home: before.home })
    expect(after.boot).toMatchObject({ ordinal: 2 })
    const boots = await client().consoles.boots({ environment: 'web' })
    expect(boots.map(({ ordinal, endedAt }) => [ordinal, endedAt === null])).toEqual([
      [2, true],
      [1, false],
    ])
    expect(boots[0]?.endOffset).toBeGreaterThan(0)
  })

  it('names whoever works on the environment', async () => {
    await spawned('web')
    const release = host.driver.hold('stopGuest')
    const stopping = await host.as('operator', 'alice').environments.stop(command())
    const refused = await refusalOf(client().environments.start(command()))
    expect(refused.code).toBe('operation_in_flight')
    expect(refused.retryable).toBe(true)
    expect(refused.message).toMatch(/^alice is running stop on web: step stop_guest, for \d+ s\.$/)
    expect(refused.details).toMatchObject({ operationId: stopping.id, kind: 'stop', user: 'alice', step: 'stop_guest' })
    expect((await get('web')).operationId).toBe(stopping.id)
    release()
    await ended(stopping)
    expect((await get('web')).operationId).toBeNull()
  })

  it('refuses a command on a state that the caller has not seen', async () => {
    await spawned('web')
    await ended(await client().environments.stop({ ...command(), generation: 1 }))
    const refused = await refusalOf(client().environments.start({ ...command(), generation: 1 }))
    expect(refused).toMatchObject({ code: 'generation_mismatch', details: { generation: 2, seen: 1 } })
    expect((await get('web')).generation).toBe(2)
  })

  it('does nothing to a guest that runs, also when its start is asked for again', async () => {
    await spawned('web')
    const boot = (await get('web')).boot
    expect(await ended(await client().environments.start(command()))).toMatchObject({ status: { kind: 'succeeded' } })
    expect(await get('web')).toMatchObject({ observed: { kind: 'running' }, boot })
    expect(host.driver.calls.startGuest).toBe(1)
  })

  it('tries again after a failed start, ends the failed guest first, and counts attempts from 1', async () => {
    host.driver.failNext('ready', new DriverFailure('guest_exited', 'It was told to.'))
    const operation = await spawned('web')
    expect(operation).toMatchObject({ status: { kind: 'succeeded' }, attempt: 2 })
    expect((await get('web')).boot).toMatchObject({ ordinal: 2 })
    expect(host.machine.guests.ids()).toHaveLength(1)
    expect(host.machine.mostGuestsPerHome).toBe(1)
  })

  it('leaves a failed environment with reason, phase and home, and nothing running', async () => {
    const tooSlow = new DriverFailure('agent_timeout', 'No answer within 9 s.')
    host.driver.failNext('ready', tooSlow)
    host.driver.failNext('ready', tooSlow)
    const operation = await spawned('web')
    expect(operation.status).toMatchObject({ kind: 'failed', failure: { code: 'engine_failed' } })
    const environment = await get('web')
    expect(environment.observed).toMatchObject({
      kind: 'failed',
      reason: 'agent_timeout',
      phase: 'waiting_for_service_ready',
      detail: expect.stringContaining('No answer within 9 s.') as string,
    })
    expect(host.machine.guests.ids()).toEqual([])
    expect(host.machine.homes.ids()).toEqual([environment.home.id])
    expect(await ended(await client().environments.start(command()))).toMatchObject({ status: { kind: 'succeeded' } })
  })

  it('says loudly where a failed start could not be cleaned up, and keeps the means to end it', async () => {
    host.driver.failNext('startGuest', new DriverFailure('hypervisor_failed', 'It did not come up.'))
    host.driver.failNext('stopGuest', new Error('It would not die.'))
    const operation = await spawned('web')
    expect(operation.status).toMatchObject({
      kind: 'failed',
      failure: { details: { rollbackFailedAt: 'start_guest' } },
    })
    expect((await get('web')).observed).toMatchObject({ kind: 'failed', reason: 'cleanup_failed' })
    expect(host.logger.errors()).toContain('An undo failed')
    expect(await ended(await client().environments.stop(command()))).toMatchObject({ status: { kind: 'succeeded' } })
  })

  it('ends what a failed start left behind before it starts again, and never takes it for ready', async () => {
    const tooSlow = new DriverFailure('agent_timeout', 'No answer within 9 s.')
    host.driver.failNext('ready', tooSlow)
    host.driver.failNext('stopGuest', new Error('It would not die.'))
    await spawned('web')
    const failed = await get('web')
    expect(failed.observed).toMatchObject({ kind: 'failed', reason: 'cleanup_failed' })
    host.driver.unknownInspections = 30
    await waitFor('the questions', () => host.driver.unknownInspections === 0)
    const looks = host.driver.calls.inspectGuest
    await waitFor('an answer', () => host.driver.calls.inspectGuest > looks + 1)
    expect((await get('web')).observed).toEqual(failed.observed)
    expect(await ended(await client().environments.start(command()))).toMatchObject({ status: { kind: 'succeeded' } })
    expect(await get('web')).toMatchObject({ observed: { kind: 'running', agent: 'answering' }, boot: { ordinal: 2 } })
    expect(host.machine.mostGuestsPerHome).toBe(1)
  })

  it('refuses a spawn and a start where the driver is of no use, with its reason; nothing is made', async () => {
    await host.remove()
    const reason = 'There is no qemu-system-x86_64.'
    host = await startFakeDriverDaemon({ arrange: (driver) => Object.assign(driver, { unavailableReason: reason }) })
    const refused = await refusalOf(client().environments.spawn(spawnInput('web')))
    expect(refused).toMatchObject({ code: 'engine_failed', details: { driver: 'fake' } })
    expect(refused.message).toContain(reason)
    expect((await client().environments.list()).environments).toEqual([])
    host.driver.unavailableReason = null
    await spawned('web')
    await ended(await client().environments.stop(command()))
    host.driver.unavailableReason = reason
    await client().hello()
    expect((await refusalOf(client().environments.start(command()))).code).toBe('engine_failed')
    expect(await get('web')).toMatchObject({ observed: { kind: 'stopped' }, generation: 2 })
  })

  it('stops at a home that is positively gone, before anything is touched', async () => {
    await spawned('web')
    await ended(await client().environments.stop(command()))
    host.machine.homes.delete((await get('web')).home.id)
    expect((await refusalOf(client().environments.start(command()))).code).toBe('home_gone')
    expect(await get('web')).toMatchObject({ generation: 2, observed: { kind: 'stopped' } })
  })

  it('starts no more guests at once than allowed, and nobody fails for having waited', async () => {
    host.driver.delayMs.ready = 30
    const operations = await Promise.all(Array.from({ length: 8 }, () => client().environments.spawn(spawnInput())))
    const outcomes = await Promise.all(operations.map(ended))
    expect(outcomes.map(({ status }) => status.kind)).toEqual(Array.from({ length: 8 }, () => 'succeeded'))
    expect(host.driver.mostStarting).toBe(2)
  })
})
