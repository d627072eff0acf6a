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

const MANY = 200

describe('reset', () => {
  let host: FakeDriverDaemon
  const admin = (user?: string) => host.as('admin', user)
  const ended = ({ id }: Operation) => admin().operations.wait({ id, timeoutMs: 5_000 })
  const get = () => admin().environments.get({ environment: 'web' })
  const command = () => ({ commandId: newCommandId(), environment: 'web' })
  const plan = () => admin().environments.reset.plan({ environment: 'web' })
  const run = (ticket: string | undefined, more: object = {}) =>
    admin().environments.reset.run({
      ...command(),
      confirmName: 'web',
      ...(ticket === undefined ? {} : { ticket }),
      ...more,
    })
  const reset = async () => run((await plan()).ticket.id)
  const codeOf = async (call: Promise<unknown>) => (await refusalOf(call)).code
  const becomes = (kind: string) => waitFor(`the state ${kind}`, async () => (await get()).observed.kind === kind)
  const outcomes = () =>
    host
      .activity()
      .filter(({ action }) => action === 'reset')
      .map(({ outcome }) => outcome)

  beforeEach(async () => {
    host = await startFakeDriverDaemon()
    await ended(await admin().environments.spawn(spawnInput('web')))
  })
  afterEach(async () => {
    expect(host.machine.mostGuestsPerHome).toBeLessThanOrEqual(1)
    await host.remove()
  })

  it('says in its plan what is lost, kept and needed, and how it differs from what loses nothing', async () => {
    const { id, home } = await get()
    const { plan: reset } = await plan()
    expect(reset).toMatchObject({ kind: 'reset', generation: 1, needsName: true, homeBytes: 4096 })
    expect(reset.text.split('\n')).toEqual([
      `Reset web (${id}) of owner local on host test-host: destroys its home and starts fresh from the image minimal@1.`,
      'The guest is running and is ended at once.',
      `Its home ${home.id} of 1024 MiB, taking 4 KiB on disk, is removed with everything in it.`,
      'There is no recovery point: everything in it is lost.',
      expect.stringContaining('it is gone for good, and no undo brings it back') as string,
      'Its name, id, owner, size and labels are kept.',
      'The record of what was done with it is kept.',
      expect.stringContaining('console journals') as string,
      expect.stringContaining('It is down for one boot') as string,
      'The new home needs up to 64 MiB of disk beside the old one, and grows with what is written to it, up to 1024 MiB; 64 GiB are free.',
      'Once it is ready, the 4 KiB that the old one takes are free again.',
      expect.stringContaining('Recover: Brings the environment back with its home') as string,
      expect.stringContaining(
        'Restore: Replaces the home with a chosen recovery point; the old home is kept',
      ) as string,
      'Reset: Destroys the home and starts fresh from the image.',
    ])
    expect(host.machine.homes.ids()).toEqual([home.id])
    expect(host.activity().at(-1)).toMatchObject({ action: 'reset.plan', detail: { text: reset.text } })
  })

  it('replaces the home and only then removes the old one', async () => {
    const before = await get()
    const operation = await ended(await run((await plan()).ticket.id, { reason: 'spoilt' }))
    expect(operation).toMatchObject({ kind: 'reset', status: { kind: 'succeeded' }, attempt: 1, phase: 'ready' })
    const steps = await admin().operations.steps({ id: operation.id })
    expect(steps.map(({ step }) => step)).toEqual([
      ...['await_turn', 'make_home', 'stop_guest', 'swap_home', 'start_guest', 'await_ready', 'remove_old_home'],
    ])
    const after = await get()
    expect(after).toMatchObject({ id: before.id, generation: 2, desired: 'running', observed: { kind: 'running' } })
    expect(after.home.id).not.toBe(before.home.id)
    expect(after.home.madeAt).not.toBeNull()
    expect(host.machine.homes.ids()).toEqual([after.home.id])
    expect(host.machine.guests.get(after.boot?.id ?? '')).toMatchObject({ homeId: after.home.id })
    expect(outcomes()).toEqual(['accepted', 'destroyed_old_home', 'succeeded'])
    const entries = host.activity().filter(({ action }) => action === 'reset')
    expect(entries.map(({ detail }) => detail)).toMatchObject([{ reason: 'spoilt' }, { homeId: before.home.id }, {}])
  })

  it('starts what is stopped or lost, and records that it went on without a guest', async () => {
    host.machine.kill((await get()).boot?.id ?? '')
    await becomes('lost')
    expect(await ended(await reset())).toMatchObject({ status: { kind: 'succeeded' } })
    expect(outcomes()).toEqual(['accepted', 'continued_without_guest', 'destroyed_old_home', 'succeeded'])
    await ended(await admin().environments.stop(command()))
    expect(await ended(await reset())).toMatchObject({ status: { kind: 'succeeded' } })
    expect(await get()).toMatchObject({ desired: 'running', observed: { kind: 'running' } })
    expect(host.machine.homes.ids()).toHaveLength(1)
  })

  it('is the way out where the home is gone', async () => {
    host.machine.homes.delete((await get()).home.id)
    const { plan: gone, ticket } = await plan()
    expect(gone.text).toContain('is gone already, with everything that was in it.')
    expect(await ended(await run(ticket.id))).toMatchObject({ status: { kind: 'succeeded' } })
    expect((await get()).home).toMatchObject({ goneAt: null })
  })

  it('runs once, however many submit the ticket at the same time, and retries get their operation', async () => {
    const { ticket } = await plan()
    const commandId = newCommandId()
    const first = run(ticket.id, { commandId })
    const codes = await Promise.all(Array.from({ length: MANY }, () => codeOf(run(ticket.id))))
    expect([...new Set(codes)].filter((code) => code !== 'ticket_used' && code !== 'operation_in_flight')).toEqual([])
    expect(await ended(await first)).toMatchObject({ status: { kind: 'succeeded' } })
    expect((await run(ticket.id, { commandId })).id).toBe((await first).id)
    expect(await codeOf(run(ticket.id))).toBe('ticket_used')
    expect(await codeOf(run(ticket.id, { commandId, reason: 'other' }))).toBe('command_id_reused')
    expect((await get()).generation).toBe(2)
    expect(host.driver.calls.createHome).toBe(2)
  })

  it('says why it is refused, records each refusal, and changes nothing', async () => {
    const before = await get()
    const { ticket } = await plan()
    const destroy = await admin().environments.destroy.plan({ environment: 'web' })
    expect(await codeOf(run(undefined))).toBe('ticket_required')
    expect(await codeOf(run('tkt-00000000000000000000000000000000'))).toBe('ticket_invalid')
    expect(await codeOf(run(destroy.ticket.id))).toBe('ticket_invalid')
    const foreign = { ...command(), ticket: ticket.id, confirmName: 'web' }
    expect(await codeOf(admin('eve').environments.reset.run(foreign))).toBe('ticket_foreign')
    expect(await codeOf(run(ticket.id, { confirmName: 'wed' }))).toBe('invalid_request')
    await admin().environments.setProtection({ environment: 'web', isProtected: true })
    const guarded = await refusalOf(run(ticket.id))
    expect(guarded).toMatchObject({ code: 'deletion_protected' })
    expect(guarded.message).toBe('web is protected against deletion, and a reset deletes its home.')
    expect(await codeOf(plan())).toBe('deletion_protected')
    await admin().environments.setProtection({ environment: 'web', isProtected: false })
    await ended(await admin().environments.stop(command()))
    const outdated = await refusalOf(run(ticket.id))
    expect(outdated.code).toBe('plan_outdated')
    expect(outdated.message).toContain('desired was running and is stopped; generation was 1 and is 2')
    const refusals = host.activity().filter(({ action, outcome }) => action === 'reset' && outcome === 'refused')
    expect(refusals.map(({ detail }) => detail.code)).toEqual([
      ...['ticket_required', 'ticket_invalid', 'ticket_invalid', 'ticket_foreign', 'invalid_request'],
      ...['deletion_protected', 'plan_outdated'],
    ])
    expect((await get()).home).toEqual(before.home)
    expect(host.machine.homes.ids()).toEqual([before.home.id])
  })

  it('names whoever works on the environment, at the plan and at the run', async () => {
    const { ticket } = await plan()
    const release = host.driver.hold('stopGuest')
    const stopping = await host.as('operator', 'alice').environments.stop(command())
    await waitFor('the stop', () => host.driver.calls.stopGuest === 1)
    expect((await refusalOf(plan())).message).toMatch(/^alice is running stop on web: step stop_guest/)
    expect((await refusalOf(run(ticket.id))).message).toMatch(/^alice is running stop on web: step stop_guest/)
    expect(host.activity().at(-1)).toMatchObject({ outcome: 'refused', detail: { code: 'operation_in_flight' } })
    release()
    await ended(stopping)
  })

  it.each(['createHome', 'stopGuest', 'startGuest', 'ready'] as const)(
    'brings the old home back, whole, where %s fails',
    async (action) => {
      const before = await get()
      const { ticket } = await plan()
      host.driver.failNext(action, new DriverFailure('disk_failed', 'It was told to.'))
      const { status } = await ended(await run(ticket.id))
      expect(status).toMatchObject({ kind: 'failed', failure: { details: { oldHomeId: before.home.id } } })
      expect(status.kind === 'failed' && status.failure.message).toContain(`${before.home.id}, is kept whole.`)
      expect((await get()).home).toEqual(before.home)
      expect(host.machine.homes.ids()).toEqual([before.home.id])
      const isGuestEnded = action === 'startGuest' || action === 'ready'
      await becomes(isGuestEnded ? 'failed' : 'running')
      expect(host.machine.guests.ids()).toHaveLength(isGuestEnded ? 0 : 1)
      expect(outcomes()).toEqual(['accepted', 'rolled_back', 'failed'])
      const recovered = await ended(await admin().environments.recover(command()))
      expect(recovered).toMatchObject({ status: { kind: 'succeeded' } })
      expect((await get()).home.id).toBe(before.home.id)
    },
  )

  it('is refused where the disk has no room for a new home, at the plan and at the run, and touches nothing', async () => {
    const before = await get()
    const { ticket } = await plan()
    host.driver.freeBytes = 64 * 1024 ** 2 - 1
    expect(await codeOf(plan())).toBe('host_limit_reached')
    const { code, message, details } = await refusalOf(run(ticket.id))
    expect({ code, details }).toEqual({
      code: 'host_limit_reached',
      details: { neededBytes: 64 * 1024 ** 2, freeBytes: 64 * 1024 ** 2 - 1 },
    })
    expect(message).toContain('Nothing was touched.')
    expect(await get()).toEqual({ ...before, observedAt: expect.any(Number) as number })
    expect(host.machine.homes.ids()).toEqual([before.home.id])
    host.driver.freeHomeBytes = () => Promise.reject(new Error('The disk does not say.'))
    expect((await plan()).plan.text).toContain('how much is free could not be told now')
    expect(await ended(await run(ticket.id))).toMatchObject({ status: { kind: 'succeeded' } })
  })

  it('keeps the new home and its guest where the old one cannot be removed, and says so loudly', async () => {
    const before = await get()
    const { ticket } = await plan()
    host.driver.failNext('destroyHome', new DriverFailure('disk_failed', 'It is busy.'))
    const { status } = await ended(await run(ticket.id))
    expect(status.kind === 'failed' && status.failure.message).toContain(`${before.home.id}, could not be removed.`)
    const after = await get()
    expect(after).toMatchObject({ observed: { kind: 'running' }, operationId: null })
    expect(after.home.id).not.toBe(before.home.id)
    expect(host.machine.homes.ids().sort()).toEqual([after.home.id, before.home.id].sort())
    expect(outcomes()).toEqual(['accepted', 'failed_and_not_rolled_back'])
    host.machine.homes.delete(after.home.id)
    const { plan: last, ticket: destroy } = await admin().environments.destroy.plan({ environment: 'web' })
    expect(last).toMatchObject({ needsName: true })
    expect(last.losses).toContainEqual(`Its further home ${before.home.id} is removed with everything in it.`)
    await ended(await admin().environments.destroy.run({ ...command(), ticket: destroy.id, confirmName: 'web' }))
    expect(host.machine.homes.ids()).toEqual([])
  })

  it('does not say of a guest that ended while the old home was removed that it runs', async () => {
    const { ticket } = await plan()
    host.driver.delayMs.inspectGuest = 300
    const release = host.driver.hold('destroyHome')
    const operation = await run(ticket.id)
    await waitFor('the removal', () => host.driver.calls.destroyHome === 1)
    host.machine.kill((await get()).boot?.id ?? '')
    release()
    expect(await ended(operation)).toMatchObject({ status: { kind: 'succeeded' } })
    expect(await get()).toMatchObject({ desired: 'running', observed: { kind: 'lost' } })
    expect(host.activity().filter(({ action }) => action === 'guest.gone')).toHaveLength(1)
  })

  it('leaves everything as it was when it is cancelled before the swap, and rolls back after it', async () => {
    const before = await get()
    const { ticket } = await plan()
    const release = host.driver.hold('createHome')
    const early = await run(ticket.id)
    await waitFor('the new home', () => host.driver.calls.createHome === 2)
    await admin().operations.cancel({ id: early.id })
    release()
    expect(await ended(early)).toMatchObject({ status: { kind: 'cancelled' } })
    expect(await get()).toMatchObject({ observed: before.observed, home: before.home, boot: before.boot })
    host.driver.hold('ready')
    const late = await reset()
    await waitFor('the wait', async () => (await admin().operations.get({ id: late.id })).step === 'await_ready')
    await admin().operations.cancel({ id: late.id })
    expect(await ended(late)).toMatchObject({ status: { kind: 'cancelled' } })
    expect(await get()).toMatchObject({ desired: 'stopped', observed: { kind: 'stopped' }, home: before.home })
    expect(host.machine.homes.ids()).toEqual([before.home.id])
    expect(host.machine.guests.ids()).toEqual([])
  })

  it.each(['createHome', 'stopGuest', 'startGuest', 'ready', 'destroyHome'] as const)(
    'is finished by the next daemon when this one was killed in %s',
    async (action) => {
      const { home: old } = await get()
      const { ticket } = await plan()
      const input = { ...command(), ticket: ticket.id, confirmName: 'web' }
      const before = host.driver.calls[action]
      host.driver.hold(action)
      const { id } = await admin().environments.reset.run(input)
      await waitFor(action, () => host.driver.calls[action] > before)
      host = await host.crash()
      const operation = await admin().operations.wait({ id, timeoutMs: 5_000 })
      expect(operation).toMatchObject({ status: { kind: 'succeeded' } })
      const after = await get()
      expect(after).toMatchObject({ observed: { kind: 'running', agent: 'answering' }, operationId: null })
      expect(after.home.id).not.toBe(old.id)
      expect(host.machine.homes.ids()).toEqual([after.home.id])
      expect(host.machine.guests.ids()).toEqual([after.boot?.id])
      expect(outcomes()).toEqual(['accepted', 'interrupted', 'resumed', 'destroyed_old_home', 'succeeded'])
      expect((await admin().environments.reset.run(input)).id).toBe(id)
    },
  )

  it.each(['stopGuest', 'destroyHome'] as const)(
    'goes on rolling back when the daemon was killed in its %s, and ends with the old home',
    async (action) => {
      const { home: old } = await get()
      const { ticket } = await plan()
      const fail = host.driver.hold('ready')
      host.driver.failNext('ready', new DriverFailure('agent_timeout', 'No answer within 9 s.'))
      const { id } = await run(ticket.id)
      await waitFor('the wait', async () => (await admin().operations.get({ id })).step === 'await_ready')
      const before = host.driver.calls[action]
      host.driver.hold(action)
      fail()
      await waitFor(action, () => host.driver.calls[action] > before)
      host = await host.crash()
      expect(await admin().operations.wait({ id, timeoutMs: 5_000 })).toMatchObject({ status: { kind: 'failed' } })
      expect(await get()).toMatchObject({ home: old, observed: { kind: 'failed', reason: 'agent_timeout' } })
      expect(host.machine.homes.ids()).toEqual([old.id])
      expect(host.machine.guests.ids()).toEqual([])
      expect(outcomes()).toEqual(['accepted', 'interrupted', 'rolling_back', 'rolled_back', 'failed'])
    },
  )

  it('gives up on an old home over which it dies again and again, without touching the new one', async () => {
    const { home: old } = await get()
    const { ticket } = await plan()
    host.driver.hold('destroyHome')
    const { id } = await run(ticket.id)
    for (let times = 1; times <= 4; times += 1) {
      await waitFor('the removal', () => host.driver.calls.destroyHome === 1)
      host = await host.crash({ arrange: (driver) => times < 4 && driver.hold('destroyHome') })
    }
    expect(await admin().operations.wait({ id, timeoutMs: 5_000 })).toMatchObject({ status: { kind: 'failed' } })
    const after = await get()
    expect(after).toMatchObject({ observed: { kind: 'running' }, operationId: null })
    expect(after.home.id).not.toBe(old.id)
    expect(outcomes().at(-1)).toBe('failed_and_not_rolled_back')
  })

  it('refuses what the host has no memory for, and a driver that is of no use', async () => {
    await host.remove()
    host = await startFakeDriverDaemon({ options: { capacity: { environments: null, memoryMiB: 600, homeMiB: null } } })
    await ended(await admin().environments.spawn(spawnInput('web')))
    await ended(await admin().environments.stop(command()))
    await ended(await admin().environments.spawn(spawnInput('other')))
    expect(await codeOf(plan())).toBe('host_limit_reached')
    host.driver.unavailableReason = 'There is no qemu-system-x86_64.'
    await admin().hello()
    expect(await codeOf(admin().environments.reset.plan({ environment: 'other' }))).toBe('engine_failed')
  })
})
