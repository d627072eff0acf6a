import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DriftItem } from '../../src-shared/model/drift.ts'
import {
  newCommandId,
  refusalOf,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import { readStore } from '../support/made-points.ts'
import { waitFor } from '../support/wait-for.ts'

const ORPHAN = { bootId: 'boot-00000000deadbeef', environmentId: 'env-deadbeef', homeId: 'home-00000000deadbeef' }
const HALF = 'home-00000000000000aa'
const FILES = 'boot-00000000000000bb'

describe('what the record does not account for', () => {
  let host: FakeDriverDaemon
  const admin = () => host.as('admin')
  const ids = async () => (await admin().drift.list({})).items.map(({ id }) => id).sort()
  const outcomes = () => host.activity().filter(({ action }) => action === 'drift.clean_up')
  const finish = async (operation: Promise<{ id: string }>) =>
    admin().operations.wait({ id: (await operation).id, timeoutMs: 5_000 })

  /** A guest with its home, a half-made home, and the files of a boot that is over: none of them on record. */
  function plant(): void {
    const { machine } = host
    machine.homes.put(ORPHAN.homeId, { ...ORPHAN, sizeMiB: 64 })
    machine.boot({ ...ORPHAN, agent: 'answering' })
    machine.homes.put(HALF, { homeId: HALF, sizeMiB: 64, isHalfMade: true })
    machine.files.put(FILES, { bootId: FILES })
  }

  beforeEach(async () => {
    host = await startFakeDriverDaemon()
    await finish(admin().environments.spawn(spawnInput('web')))
  })
  afterEach(() => host.remove())

  it('is nothing on a host that is well, whatever operations are at work', async () => {
    expect(await admin().drift.list({})).toMatchObject({ items: [], problems: [] })
    host.driver.delayMs.createHome = 5
    host.driver.delayMs.destroyHome = 5
    const looks: string[][] = []
    for (let round = 0; round < 5; round += 1) {
      const name = `busy-${round}`
      const spawned = finish(admin().environments.spawn(spawnInput(name)))
      looks.push(await ids())
      await spawned
      const { ticket } = await admin().environments.destroy.plan({ environment: name })
      const run = { commandId: newCommandId(), environment: name, ticket: ticket.id, confirmName: name }
      const destroyed = finish(admin().environments.destroy.run(run))
      looks.push(await ids(), await ids())
      await destroyed
    }
    expect(looks.flat()).toEqual([])
  })

  it('is listed, each with what it is and whose it was', async () => {
    plant()
    const { items } = await admin().drift.list({})
    const kinds = new Map(items.map((item) => [item.id, item]))
    expect([...kinds.keys()].sort()).toEqual([
      `boot_files:${FILES}`,
      `guest:${ORPHAN.bootId}`,
      `half_made_home:${HALF}`,
      `home:${ORPHAN.homeId}`,
    ])
    expect(kinds.get(`home:${ORPHAN.homeId}`)).toMatchObject({ environmentId: 'env-deadbeef', holdsData: true })
    expect(kinds.get(`half_made_home:${HALF}`)).toMatchObject({ holdsData: false })
    expect(kinds.get(`guest:${ORPHAN.bootId}`)?.detail).toContain('process')
    expect((await host.as('viewer').drift.list({})).items).toHaveLength(4)
    expect((await refusalOf(host.as('operator').drift.plan({ items: [`home:${ORPHAN.homeId}`] }))).code).toBe(
      'forbidden',
    )
  })

  it('is reported once at each start that finds it', async () => {
    expect(host.activity().filter(({ action }) => action === 'drift.found')).toEqual([])
    plant()
    host = await host.restart()
    const found = () => host.activity().filter(({ action }) => action === 'drift.found')
    await waitFor('the report', () => found().length > 0)
    const counts = { guest: 1, boot_files: 1, home: 1, half_made_home: 1 }
    expect(found()).toMatchObject([{ actor: null, detail: { counts } }])
    expect(host.logger.lines).toContainEqual(expect.objectContaining({ level: 'warn', facts: { counts } }))
  })

  it('is removed exactly as planned, guests before their homes, once', async () => {
    plant()
    const kept = await ids()
    const { plan, ticket } = await admin().drift.plan({ items: kept })
    expect(plan).toMatchObject({ needsName: true, hostName: 'test-host' })
    expect(plan.losses).toHaveLength(2)
    for (const id of kept) expect(plan.text).toContain(id)
    const planned = host.activity().filter(({ action }) => action === 'drift.plan')
    expect(planned).toMatchObject([{ outcome: 'planned', environmentId: null, detail: { text: plan.text } }])
    expect(await ids()).toEqual(kept)
    const unnamed = await refusalOf(
      admin().drift.run({ commandId: newCommandId(), ticket: ticket.id, confirmName: 'other-host' }),
    )
    expect(unnamed).toMatchObject({ code: 'invalid_request', details: { field: 'confirmName' } })
    const result = await admin().drift.run({
      commandId: newCommandId(),
      ticket: ticket.id,
      confirmName: 'test-host',
      reason: 'tidy',
    })
    expect({ ...result, removed: [...result.removed].sort() }).toEqual({ removed: kept, failed: [] })
    expect(await ids()).toEqual([])
    expect(host.machine.homes.ids()).toHaveLength(1)
    expect(host.machine.guests.ids()).toHaveLength(1)
    expect(
      (await refusalOf(admin().drift.run({ commandId: newCommandId(), ticket: ticket.id, confirmName: 'test-host' })))
        .code,
    ).toBe('ticket_used')
    const said = outcomes().map(({ outcome }) => outcome)
    expect(said).toEqual(['refused', 'requested', 'removed', 'removed', 'removed', 'removed', 'refused'])
    expect(outcomes()[1]?.detail).toMatchObject({ reason: 'tidy' })
  })

  it('asks for no name where nobody’s data can be in it', async () => {
    plant()
    const { plan, ticket } = await admin().drift.plan({ items: [`half_made_home:${HALF}`] })
    expect(plan.needsName).toBe(false)
    expect(await admin().drift.run({ commandId: newCommandId(), ticket: ticket.id })).toEqual({
      removed: [`half_made_home:${HALF}`],
      failed: [],
    })
    expect(await ids()).toHaveLength(3)
  })

  it('stays, and is named, where it cannot be removed; the rest goes', async () => {
    plant()
    const { ticket } = await admin().drift.plan({ items: await ids() })
    host.driver.failNext('stopGuest', new Error('It will not end.'))
    host.driver.failNext('stopGuest', new Error('It will not end.'))
    const result = await admin().drift.run({ commandId: newCommandId(), ticket: ticket.id, confirmName: 'test-host' })
    const failed = new Map(result.failed.map(({ id, problem }) => [id, problem]))
    expect(failed.get(`guest:${ORPHAN.bootId}`)).toBe('It will not end.')
    expect(failed.get(`home:${ORPHAN.homeId}`)).toContain('still uses it')
    expect(result.removed).toContain(`half_made_home:${HALF}`)
    expect(host.machine.homes.get(ORPHAN.homeId)).toBeDefined()
    expect(await ids()).toEqual(result.failed.map(({ id }) => id).sort())
    expect(outcomes().filter(({ outcome }) => outcome === 'failed')).toHaveLength(result.failed.length)
  })

  it('is not touched by a plan that has become outdated', async () => {
    plant()
    const { ticket } = await admin().drift.plan({ items: [`home:${ORPHAN.homeId}`, `half_made_home:${HALF}`] })
    host.machine.homes.put(HALF, { homeId: HALF, sizeMiB: 64 })
    const refusal = await refusalOf(
      admin().drift.run({ commandId: newCommandId(), ticket: ticket.id, confirmName: 'test-host' }),
    )
    expect(refusal.code).toBe('plan_outdated')
    expect(refusal.message).toContain(HALF)
    expect(host.machine.homes.ids()).toHaveLength(3)
    const [again] = await Promise.all([
      refusalOf(admin().drift.run({ commandId: newCommandId(), ticket: ticket.id, confirmName: 'test-host' })),
    ])
    expect(again.code).toBe('plan_outdated')
  })

  it('needs a ticket of one’s own, and ids that are there', async () => {
    plant()
    expect((await refusalOf(admin().drift.run({ commandId: newCommandId() }))).code).toBe('ticket_required')
    expect((await refusalOf(admin().drift.plan({ items: ['home:home-0000000000000001'] }))).code).toBe('not_found')
    const { ticket } = await admin().drift.plan({ items: [`home:${ORPHAN.homeId}`] })
    const other = host.as('admin', 'someone-else')
    expect(
      (await refusalOf(other.drift.run({ commandId: newCommandId(), ticket: ticket.id, confirmName: 'test-host' })))
        .code,
    ).toBe('ticket_foreign')
    const destroy = await admin().environments.destroy.plan({ environment: 'web' })
    expect((await refusalOf(admin().drift.run({ commandId: newCommandId(), ticket: destroy.ticket.id }))).code).toBe(
      'ticket_invalid',
    )
  })

  it('is answered once more to whoever lost the answer, and to nobody else', async () => {
    plant()
    const { ticket } = await admin().drift.plan({ items: await ids() })
    const input = { commandId: newCommandId(), ticket: ticket.id, confirmName: 'test-host' }
    const release = host.driver.hold('stopGuest')
    const both = [admin().drift.run(input), admin().drift.run(input)]
    await waitFor('the beginning', () => outcomes().some(({ outcome }) => outcome === 'requested'))
    release()
    const [first, second] = await Promise.all(both)
    expect(first?.removed).toHaveLength(4)
    expect(second).toEqual(first)
    expect(await admin().drift.run(input)).toEqual(first)
    const codeOf = async (call: Promise<unknown>) => (await refusalOf(call)).code
    expect(await codeOf(admin().drift.run({ ...input, reason: 'another' }))).toBe('command_id_reused')
    expect(await codeOf(host.as('admin', 'someone-else').drift.run(input))).toBe('command_id_reused')
    expect(await codeOf(admin().drift.run({ ...input, commandId: newCommandId() }))).toBe('ticket_used')
    expect(outcomes().filter(({ outcome }) => outcome === 'requested')).toHaveLength(1)
  })

  it('is answered by what is left of it, after a restart of the daemon', async () => {
    plant()
    const { ticket } = await admin().drift.plan({ items: await ids() })
    const input = { commandId: newCommandId(), ticket: ticket.id, confirmName: 'test-host' }
    host.driver.failNext('stopGuest', new Error('It will not end.'))
    host.driver.failNext('stopGuest', new Error('It will not end.'))
    const { removed, failed } = await admin().drift.run(input)
    host = await host.restart()
    for (const change of [{ reason: 'another' }, { confirmName: undefined }])
      expect((await refusalOf(admin().drift.run({ ...input, ...change }))).code).toBe('command_id_reused')
    const again = await admin().drift.run(input)
    expect([...again.removed].sort()).toEqual([...removed].sort())
    expect(again.failed.map(({ id }) => id).sort()).toEqual(failed.map(({ id }) => id).sort())
    for (const { problem } of again.failed) expect(problem).toContain('It is still there')
    const other = { ...input, commandId: newCommandId() }
    expect((await refusalOf(admin().drift.run(other))).code).toBe('ticket_used')
  })

  it('is begun anew for whoever waits still, where the first one was cut off before it began', async () => {
    plant()
    const items = await ids()
    const { ticket } = await admin().drift.plan({ items })
    const input = { commandId: newCommandId(), ticket: ticket.id, confirmName: 'test-host' }
    const before = host.driver.calls.survey
    const release = host.driver.hold('survey')
    const giveUp = new AbortController()
    const first = admin()
      .drift.run(input, { signal: giveUp.signal })
      .catch((error: unknown) => error)
    await waitFor('its look', () => host.driver.calls.survey > before)
    const others = [admin().drift.run(input), admin().drift.run(input)]
    giveUp.abort(new Error('Enough.'))
    release()
    expect(await first).toBeInstanceOf(Error)
    const [second, third] = await Promise.all(others)
    expect([...second!.removed].sort()).toEqual(items)
    expect(third).toEqual(second)
    expect(outcomes().filter(({ outcome }) => outcome === 'requested')).toHaveLength(1)
  })

  it('takes no command’s id that has started an operation', async () => {
    const { commandId } = (await admin().operations.list({ limit: 1 }))[0]!
    expect((await refusalOf(admin().drift.run({ commandId }))).code).toBe('command_id_reused')
  })

  it('runs once, however many ask at the same time', async () => {
    plant()
    const { ticket } = await admin().drift.plan({ items: await ids() })
    const input = { ticket: ticket.id, confirmName: 'test-host' }
    const all = await Promise.allSettled(
      Array.from({ length: 20 }, () => admin().drift.run({ commandId: newCommandId(), ...input })),
    )
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(outcomes().filter(({ outcome }) => outcome === 'requested')).toHaveLength(1)
  })

  it('says what a destroy has left behind', async () => {
    const [home] = host.machine.homes.ids()
    const { ticket } = await admin().environments.destroy.plan({ environment: 'web' })
    const run = { commandId: newCommandId(), environment: 'web', ticket: ticket.id, confirmName: 'web' }
    await finish(admin().environments.destroy.run(run))
    host.machine.homes.put(home ?? '', { homeId: home ?? '', sizeMiB: 64 })
    const { items } = await admin().drift.list({})
    expect(items).toMatchObject([{ kind: 'removed_home', holdsData: true } satisfies Partial<DriftItem>])
  })

  it('names what could not be looked at', async () => {
    host.driver.failNext('survey', new Error('The folder is on fire.'))
    const { items, problems } = await admin().drift.list({})
    expect([items, problems]).toEqual([[], [expect.stringContaining('The folder is on fire.')]])
  })

  it('is no scratch of a drill on record any more, and forgotten in time, once it is removed', async () => {
    for (let time = 0; time < 2; time += 1) host.driver.failNext('destroyHome', new Error('The disk does not answer.'))
    await finish(admin().backups.now({ commandId: newCommandId(), environment: 'web' }))
    const { id } = await finish(admin().drill({ commandId: newCommandId(), environment: 'web', point: 'latest' }))
    host.driver.forgetFailures()
    const scratch = () => readStore(host, (store) => store.scratchGuests.of(id))
    const homeId = scratch()?.homeId
    const items = await ids()
    expect(items).toEqual([`home:${homeId}`])
    const { ticket } = await admin().drift.plan({ items })
    const cleaned = await admin().drift.run({ commandId: newCommandId(), ticket: ticket.id, confirmName: 'test-host' })
    expect(cleaned).toEqual({ removed: items, failed: [] })
    expect(await ids()).toEqual([])
    // Of its guest the daemon finds out by itself.
    host = await host.restart()
    await waitFor('the look at it', () => scratch() === undefined)
    const forgotten = readStore(host, (store) => {
      store.operations.prune(Date.now() + 1)
      return store.scratchGuests.prune(Date.now() + 1)
    })
    expect(forgotten).toBe(1)
  })
})
