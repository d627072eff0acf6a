import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  newCommandId,
  refusalOf,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import { ManualClock } from '../support/manual-clock.ts'

const MANY = 200

describe('destroy', () => {
  let host: FakeDriverDaemon
  const admin = (user?: string) => host.as('admin', user)
  const wait = (id: string) => admin().operations.wait({ id, timeoutMs: 5_000 })
  const plan = () => admin().environments.destroy.plan({ environment: 'web' })
  const run = (ticket: string | undefined, more: object = {}) =>
    admin().environments.destroy.run({
      commandId: newCommandId(),
      environment: 'web',
      confirmName: 'web',
      ...(ticket === undefined ? {} : { ticket }),
      ...more,
    })
  const codeOf = async (call: Promise<unknown>) => (await refusalOf(call)).code

  beforeEach(async () => {
    host = await startFakeDriverDaemon()
    await wait((await admin().environments.spawn(spawnInput('web'))).id)
  })
  afterEach(() => host.remove())

  it('says what it would do, and with its ticket does exactly that', async () => {
    const { plan: destroy, ticket } = await plan()
    expect(destroy).toMatchObject({ kind: 'destroy', environmentName: 'web', generation: 1, needsName: true })
    expect(destroy.text).toContain('Destroy web')
    expect(destroy.text).toContain('The guest is running and is ended at once.')
    expect(ticket.expiresAt - Date.now()).toBeLessThanOrEqual(300_000)
    expect(host.machine.guests.ids()).toHaveLength(1)
    const operation = await run(ticket.id, { reason: 'no longer needed' })
    expect(await wait(operation.id)).toMatchObject({ status: { kind: 'succeeded' }, environmentName: 'web' })
    expect(host.machine.guests.ids()).toEqual([])
    expect(host.machine.homes.ids()).toEqual([])
    expect((await admin().environments.list()).environments).toEqual([])
  })

  it('runs once, however many submit the ticket at the same time', async () => {
    const { ticket } = await plan()
    const outcomes = await Promise.all(
      Array.from({ length: MANY }, () =>
        run(ticket.id).then(
          () => 'run',
          (error: unknown) => (error as { code: string }).code,
        ),
      ),
    )
    expect(outcomes.filter((outcome) => outcome === 'run')).toHaveLength(1)
    const others = new Set(outcomes.filter((outcome) => outcome !== 'run'))
    expect([...others].every((code) => code === 'ticket_used' || code === 'operation_in_flight')).toBe(true)
    expect(host.driver.calls.destroyHome).toBeLessThanOrEqual(1)
  })

  it('answers a retry of the same command with the same operation, its ticket being used', async () => {
    const { ticket } = await plan()
    const commandId = newCommandId()
    const first = await run(ticket.id, { commandId })
    await wait(first.id)
    expect((await run(ticket.id, { commandId })).id).toBe(first.id)
    expect(await codeOf(run(ticket.id))).toBe('ticket_used')
  })

  it('says why a ticket is refused, records it, and changes nothing', async () => {
    const { ticket } = await plan()
    expect(await codeOf(run(undefined))).toBe('ticket_required')
    expect(await codeOf(run('tkt-00000000000000000000000000000000'))).toBe('ticket_invalid')
    const foreign = { commandId: newCommandId(), environment: 'web', ticket: ticket.id, confirmName: 'web' }
    expect(await codeOf(admin('eve').environments.destroy.run(foreign))).toBe('ticket_foreign')
    await admin().environments.spawn(spawnInput('other'))
    expect(await codeOf(run(ticket.id, { environment: 'other' }))).toBe('ticket_invalid')
    const unnamed = await refusalOf(run(ticket.id, { confirmName: 'wed' }))
    expect(unnamed).toMatchObject({ code: 'invalid_request', details: { field: 'confirmName' } })
    expect(host.machine.guests.ids().length).toBeGreaterThan(0)
    const refusals = host.activity().filter(({ outcome }) => outcome === 'refused')
    expect(refusals.map(({ detail }) => detail.code)).toEqual([
      'ticket_required',
      'ticket_invalid',
      'ticket_foreign',
      'ticket_invalid',
      'invalid_request',
    ])
    expect(refusals.map(({ actor }) => actor?.user)).toEqual(['op', 'op', 'eve', 'op', 'op'])
    expect(refusals.every(({ environmentId }) => environmentId !== null)).toBe(true)
    expect((await run(ticket.id)).kind).toBe('destroy')
  })

  it('refuses an outdated plan and says what changed', async () => {
    const { ticket } = await plan()
    await wait((await admin().environments.stop({ commandId: newCommandId(), environment: 'web' })).id)
    const refused = await refusalOf(run(ticket.id))
    expect(refused.code).toBe('plan_outdated')
    expect(refused.message).toContain('desired was running and is stopped')
    expect(refused.message).toContain('generation was 1 and is 2')
  })

  it('heeds protection, at the plan and at the run', async () => {
    const { ticket } = await plan()
    expect(await admin().environments.setProtection({ environment: 'web', isProtected: true })).toMatchObject({
      isProtected: true,
      generation: 1,
    })
    expect(await codeOf(plan())).toBe('deletion_protected')
    expect(await codeOf(run(ticket.id))).toBe('deletion_protected')
    await admin().environments.setProtection({ environment: 'web', isProtected: false })
    expect((await run(ticket.id)).kind).toBe('destroy')
  })

  it('says where the home could not be read, and asks for the name then', async () => {
    host.driver.failNext('inspectHome', new Error('The disk did not answer.'))
    const { plan: destroy } = await plan()
    expect(destroy).toMatchObject({ homeBytes: null, needsName: true })
    expect(destroy.text).toContain('The disk did not answer.')
  })

  it('says of a home that is gone that it is gone, not that nobody ever used it', async () => {
    await wait((await admin().environments.stop({ commandId: newCommandId(), environment: 'web' })).id)
    host.machine.homes.delete(host.machine.homes.ids()[0] ?? '')
    const { plan: destroy } = await plan()
    expect(destroy).toMatchObject({ homeBytes: 0, needsName: false })
    expect(destroy.text).toContain('is gone already, with everything that was in it.')
  })

  it('leaves the name to others, and its record and consoles to be found under its id', async () => {
    const { environmentId } = (await plan()).plan
    await wait((await run((await plan()).ticket.id)).id)
    await wait((await admin().environments.spawn(spawnInput('web'))).id)
    const { id } = await admin().environments.get({ environment: 'web' })
    expect(id).not.toBe(environmentId)
    const operations = await admin().operations.list({ environment: environmentId })
    expect(operations.map(({ kind }) => kind)).toEqual(['destroy', 'spawn'])
    const boots = await admin().consoles.boots({ environment: environmentId })
    expect(boots).toMatchObject([{ ordinal: 1, endedAt: expect.any(Number) as number }])
    expect(boots[0]?.endOffset).toBeGreaterThan(0)
    expect((await admin().consoles.boots({ environment: 'web' }))[0]?.environmentId).toBe(id)
  })

  it.each([
    ['an expired ticket', { passedMs: 5 * 60_000, setMs: 0, isRestarted: false }],
    ['a ticket from before the clock was set back', { passedMs: 0, setMs: -1, isRestarted: false }],
    [
      'a ticket that is expired but for a clock that was set back',
      { passedMs: 5 * 60_000, setMs: -4 * 60_000, isRestarted: false },
    ],
    ['one of an earlier daemon, likewise', { passedMs: 5 * 60_000, setMs: -4 * 60_000, isRestarted: true }],
  ])('refuses %s', async (_, { passedMs, setMs, isRestarted }) => {
    const clock = new ManualClock()
    let other = await startFakeDriverDaemon({ clock })
    try {
      const { id } = await other.as('admin').environments.spawn(spawnInput('web'))
      await other.as('admin').operations.wait({ id, timeoutMs: 60_000 })
      const { ticket } = await other.as('admin').environments.destroy.plan({ environment: 'web' })
      if (isRestarted) other = await other.restart()
      const calls = other.as('admin')
      clock.advance(passedMs)
      clock.set(setMs)
      const input = { commandId: newCommandId(), environment: 'web', ticket: ticket.id, confirmName: 'web' }
      expect(await codeOf(calls.environments.destroy.run(input))).toBe('ticket_expired')
    } finally {
      await other.remove()
    }
  })
})
