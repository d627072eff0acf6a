import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PilothouseError } from '../../src-shared/error.ts'
import type { HomeId } from '../../src-shared/model/ids.ts'
import { newCommandId, refusalOf, spawnInput, type FakeDriverDaemon } from '../support/fake-driver-daemon.ts'
import { filesIn, makePoint, readStore, UNSCHEDULED } from '../support/made-points.ts'
import { restoreCalls, startWithPoint } from '../support/restore-calls.ts'
import { waitFor } from '../support/wait-for.ts'

const THEN = { 'notes.txt': 'as it was', 'work/a': 'first' }
const NOW = { 'notes.txt': 'as it is now', 'work/b': 'second', 'work/c': 'third' }
const MANY = 1_000

describe('restore', () => {
  let host: FakeDriverDaemon
  const { admin, ended, get, command, plan, run, codeOf, contentNow, outcomes: outcomesOf } = restoreCalls(() => host)
  const restore = async (isStopNow = false) => run((await plan('latest', isStopNow)).ticket.id)
  const becomes = (kind: string) => waitFor(`the state ${kind}`, async () => (await get()).observed.kind === kind)
  const outcomes = () => outcomesOf('restore')

  beforeEach(async () => {
    host = await startWithPoint({ then: THEN, now: NOW })
  })
  afterEach(async () => {
    expect(host.machine.mostGuestsPerHome).toBeLessThanOrEqual(1)
    await host.remove()
  })

  it('says in its plan what is lost, kept and needed, and touches nothing', async () => {
    const before = await get()
    const { plan: planned } = await plan()
    const at = new Date(planned.point.takenAt).toISOString().replace(/\.\d+Z$/, 'Z')
    expect(planned).toMatchObject({
      kind: 'restore',
      generation: 1,
      needsName: true,
      homeBytes: 4096,
      isStopNow: false,
      dropsUndo: false,
      loss: { kind: 'counted', changes: { added: 2, changed: 1, removed: 1 } },
    })
    expect(planned.undoUntil).toBeGreaterThan(Date.now() + UNSCHEDULED.undoMs - 60_000)
    expect(planned.text.split('\n')).toEqual([
      `Restore web (${before.id}) of owner local on host test-host: replaces its home with the recovery point ${planned.point.id} of ${at}, which is less than a minute old.`,
      expect.stringMatching(
        /^The point holds 3 files and folders with 14 B, of the home home-[0-9a-f]{16}; the host test-host made it\.$/,
      ) as string,
      'Its file system was at rest at that moment.',
      'It was never verified, and never drilled.',
      `Everything that was written since ${at} leaves the home.`,
      expect.stringContaining('Since then, 2 files and folders were added, 1 changed') as string,
      expect.stringContaining(`Its present home ${before.home.id} is kept until`) as string,
      'Its name, id, owner, image, size and labels are kept.',
      'All recovery points and the record of what was done are kept.',
      'The guest is running; it is stopped only once the restored home has been verified; until then it runs on.',
      expect.stringContaining('It is down for one stop, the swap and one boot') as string,
      expect.stringContaining('any failure brings the present home back') as string,
      expect.stringContaining('of disk beside the present one') as string,
      expect.stringContaining('Recover: ') as string,
      expect.stringContaining('Restore: ') as string,
      expect.stringContaining('Reset: ') as string,
    ])
    expect(await get()).toMatchObject({ generation: 1, home: before.home })
    expect(host.machine.homes.ids()).toEqual([before.home.id])
    expect(host.machine.views.ids()).toEqual([])
    expect(host.activity().at(-1)).toMatchObject({ action: 'restore.plan', detail: { text: planned.text } })
  })

  it('replaces the home with the point, keeps the old one, and says what was verified', async () => {
    const before = await get()
    const { plan: planned, ticket } = await plan()
    const operation = await ended(await run(ticket.id, { reason: 'spoilt' }))
    expect(operation).toMatchObject({ kind: 'restore', status: { kind: 'succeeded' }, attempt: 1, phase: 'ready' })
    const steps = await admin().operations.steps({ id: operation.id })
    expect(steps.map(({ step }) => step)).toEqual([
      ...['check_point', 'stop_now', 'make_home', 'restore', 'verify', 'await_turn', 'stop_guest', 'swap_home'],
      ...['start_guest', 'await_ready', 'commit'],
    ])
    const after = await get()
    expect(after).toMatchObject({ id: before.id, generation: 2, desired: 'running', observed: { kind: 'running' } })
    expect(filesIn(host, after.home.id)).toEqual(THEN)
    expect(filesIn(host, before.home.id)).toEqual(NOW)
    expect(host.machine.guests.get(after.boot?.id ?? '')).toMatchObject({ homeId: after.home.id })
    expect(operation.result).toMatchObject({
      kind: 'restore',
      pointId: planned.point.id,
      homeId: after.home.id,
      undo: { homeId: before.home.id, bytes: 4096 },
    })
    expect(readStore(host, (store) => store.points.find(planned.point.id))?.verifiedAt).not.toBeNull()
    expect(readStore(host, (store) => store.keptHomes.undoOf(before.id))).toMatchObject({
      homeId: before.home.id,
      operationId: operation.id,
      bytes: 4096,
    })
    expect(outcomes()).toEqual(['accepted', 'swapped_home', 'succeeded'])
    expect(host.repositories.calls.fill).toBe(1)
  })

  it('lets the guest run on until the swap, unless it is to stop now', async () => {
    const release = host.repositories.hold('fill')
    const running = await restore()
    await waitFor('the restore', () => host.repositories.calls.fill === 1)
    expect(host.machine.guests.ids()).toHaveLength(1)
    release()
    await ended(running)
    const again = host.repositories.hold('fill')
    const stopped = await restore(true)
    await waitFor('the second restore', () => host.repositories.calls.fill === 2)
    expect(host.machine.guests.ids()).toEqual([])
    again()
    expect(await ended(stopped)).toMatchObject({ status: { kind: 'succeeded' } })
    expect(host.machine.guests.ids()).toHaveLength(1)
  })

  it.each(['stopped', 'lost', 'failed'] as const)('is accepted for what is %s, and brings it up', async (state) => {
    await bringInto(state)
    const { plan: planned, ticket } = await plan()
    expect(planned.text).toMatch(/The guest is not running|The guest has failed/)
    expect(await ended(await run(ticket.id))).toMatchObject({ status: { kind: 'succeeded' } })
    expect(await get()).toMatchObject({ desired: 'running', observed: { kind: 'running' } })
    expect(await contentNow()).toEqual(THEN)
  })

  async function bringInto(state: 'stopped' | 'lost' | 'failed') {
    if (state !== 'lost') await ended(await admin().environments.stop(command()))
    else host.machine.kill((await get()).boot?.id ?? '')
    if (state === 'failed') {
      host.driver.failNext('startGuest', new Error('no'))
      await ended(await admin().environments.start(command()))
    }
    await becomes(state)
  }

  it.each(['stopped', 'lost', 'failed', 'running'] as const)(
    'leaves what is %s as it was when it fails',
    async (state) => {
      if (state !== 'running') await bringInto(state)
      const before = await get()
      const { ticket } = await plan()
      host.driver.failNext('ready', new Error('no'))
      const operation = await ended(await run(ticket.id))
      expect(operation).toMatchObject({ status: { kind: 'failed' }, result: null })
      const after = await get()
      expect(after).toMatchObject({ home: before.home, desired: before.desired, operationId: null })
      if (state === 'running') expect(after.observed).toMatchObject({ kind: 'running', agent: 'answering' })
      else expect(after.observed).toEqual(before.observed)
      expect(host.machine.homes.ids()).toEqual([before.home.id])
      expect(filesIn(host, before.home.id)).toEqual(NOW)
      expect(host.machine.guests.ids()).toHaveLength(state === 'running' ? 1 : 0)
      expect(outcomes().slice(-2)).toEqual(['rolled_back', 'failed'])
      expect(readStore(host, (store) => store.keptHomes.undoOf(before.id))).toBeUndefined()
    },
  )

  it('is the way out where the home is gone, and keeps nothing then', async () => {
    await ended(await admin().environments.stop(command()))
    host.machine.homes.delete((await get()).home.id)
    const { plan: planned, ticket } = await plan()
    expect(planned).toMatchObject({ loss: { kind: 'no_home' }, undoUntil: null, needsName: false })
    expect(planned.text).toContain('there will be nothing to undo to')
    const operation = await ended(await run(ticket.id))
    expect(operation).toMatchObject({ status: { kind: 'succeeded' }, result: { undo: null } })
    expect(await contentNow()).toEqual(THEN)
    expect((await get()).home.goneAt).toBeNull()
    expect(await codeOf(admin().undo.plan({ environment: 'web' }))).toBe('nothing_to_undo')
  })

  it('runs once, however many submit the ticket at once, and asks the repository once', async () => {
    const { ticket } = await plan()
    const before = host.repositories.calls.list
    const release = host.repositories.hold('list')
    const commandId = newCommandId()
    const first = run(ticket.id, { commandId })
    const others = Array.from({ length: MANY - 1 }, () => codeOf(run(ticket.id)))
    await waitFor('the question', () => host.repositories.calls.list > before)
    release()
    const codes = await Promise.all(others)
    expect([...new Set(codes)].filter((code) => code !== 'ticket_used' && code !== 'operation_in_flight')).toEqual([])
    expect(codes).toHaveLength(MANY - 1)
    expect(await ended(await first)).toMatchObject({ status: { kind: 'succeeded' } })
    // At the run; the operation begins right after it.
    expect(host.repositories.calls.list).toBe(before + 1)
    expect((await run(ticket.id, { commandId })).id).toBe((await first).id)
    expect(host.repositories.calls.list).toBe(before + 1)
    expect(await codeOf(run(ticket.id))).toBe('ticket_used')
    expect((await get()).generation).toBe(2)
    expect(host.repositories.calls.fill).toBe(1)
  }, 30_000)

  it('says why it is refused, records each refusal, and changes nothing', async () => {
    const before = await get()
    const { ticket } = await plan()
    const reset = await admin().environments.reset.plan({ environment: 'web' })
    expect(await codeOf(run(undefined))).toBe('ticket_required')
    expect(await codeOf(run('tkt-00000000000000000000000000000000'))).toBe('ticket_invalid')
    expect(await codeOf(run(reset.ticket.id))).toBe('ticket_invalid')
    const foreign = { ...command(), ticket: ticket.id, confirmName: 'web' }
    expect(await codeOf(admin('eve').restore.run(foreign))).toBe('ticket_foreign')
    expect(await codeOf(run(ticket.id, { confirmName: 'wed' }))).toBe('invalid_request')
    await ended(await admin().environments.stop(command()))
    const outdated = await refusalOf(run(ticket.id))
    expect(outdated).toMatchObject({ code: 'plan_outdated' })
    expect(outdated.message).toContain('desired was running and is stopped; generation was 1 and is 2')
    expect(host.repositories.calls.list).toBe(1)
    const refusals = host.activity().filter(({ action, outcome }) => action === 'restore' && outcome === 'refused')
    expect(refusals.map(({ detail }) => detail.code)).toEqual([
      ...['ticket_required', 'ticket_invalid', 'ticket_invalid', 'ticket_foreign', 'invalid_request', 'plan_outdated'],
    ])
    expect((await get()).home).toEqual(before.home)
    expect(host.machine.homes.ids()).toEqual([before.home.id])
  })

  it.each([
    ['owner', 'other'],
    ['image', 'minimal@2'],
    ['home_id', 'home-00000000000000ff'],
  ] as const)('is outdated by another %s', async (column, value) => {
    const { ticket } = await plan()
    await admin().owners.put({ name: 'other', limit: 'unlimited', note: '' })
    readStore(host, (store) => {
      const { id } = store.environments.list()[0]!
      store.environments.insertHome(id, { homeId: 'home-00000000000000ff' as HomeId, sizeMiB: 1024 })
      store.db.run(`UPDATE environments SET ${column} = @value WHERE name = 'web'`, { value })
    })
    const outdated = await refusalOf(run(ticket.id))
    expect(outdated).toMatchObject({ code: 'plan_outdated' })
    expect(outdated.message).toMatch(/Since the plan was made, (owner|image|homeId) was/)
  })

  it('is outdated by a home that is kept for undo since', async () => {
    const { ticket: stale } = await plan()
    await ended(await restore())
    readStore(host, (store) => store.db.run("UPDATE environments SET generation = 1 WHERE name = 'web'"))
    expect((await refusalOf(run(stale.id))).message).toContain('keptHomeId was nothing and is home-')
  })

  it('covers what is protected against deletion, since nothing is deleted', async () => {
    await admin().environments.setProtection({ environment: 'web', isProtected: true })
    const { plan: planned, ticket } = await plan()
    expect(planned.keeps.join('\n')).toContain('Deletion protection does not cover a restore')
    expect(await ended(await run(ticket.id))).toMatchObject({ status: { kind: 'succeeded' } })
  })

  it('refuses a point that was forgotten, before and after the plan, and records that', async () => {
    const { plan: planned, ticket } = await plan()
    host.repositories.forget(planned.point.id)
    const gone = await refusalOf(run(ticket.id))
    expect(gone).toMatchObject({ code: 'no_recovery_point' })
    expect(host.activity().filter(({ action }) => action === 'point.forgotten')).toHaveLength(1)
    expect((await refusalOf(run(ticket.id))).message).toMatch(/pointId was [0-9a-f]{64} and is nothing/)
    expect(await codeOf(plan())).toBe('no_recovery_point')
    expect(await codeOf(plan(planned.point.id))).toBe('no_recovery_point')
    expect(host.machine.homes.ids()).toHaveLength(1)
    expect((await get()).generation).toBe(1)
  })

  it('ends no guest before its repository has let it in, and for no point that is gone', async () => {
    const before = await get()
    const { plan: planned, ticket } = await plan('latest', true)
    const asked = host.repositories.calls.list
    const release = host.repositories.hold('list', { after: 1 })
    const operation = await run(ticket.id)
    await waitFor('the question', () => host.repositories.calls.list === asked + 2)
    host.repositories.forget(planned.point.id)
    expect(host.machine.guests.ids()).toEqual([before.boot?.id])
    release()
    expect(await ended(operation)).toMatchObject({ status: { kind: 'failed', failure: { code: 'no_recovery_point' } } })
    expect(await get()).toMatchObject({
      home: before.home,
      boot: { id: before.boot?.id },
      observed: { kind: 'running' },
    })
    expect(host.driver.calls).toMatchObject({ createHome: 1, stopGuest: 0 })
  })

  it("takes no other environment's point, and none that is ambiguous or unknown", async () => {
    await ended(await admin().environments.spawn(spawnInput('other')))
    const foreign = await makePoint(host, 'other')
    expect(await codeOf(plan(foreign))).toBe('point_foreign')
    expect(await codeOf(plan('0123456789abcdef'))).toBe('no_recovery_point')
    await ended(await admin().environments.spawn(spawnInput('bare')))
    expect(await codeOf(admin().restore.plan({ environment: 'bare', point: 'latest' }))).toBe('no_recovery_point')
    expect(await codeOf(admin().restore.plan({ environment: 'none', point: 'latest' }))).toBe('not_found')
  })

  it('is for admins alone', async () => {
    expect(await codeOf(host.as('operator').restore.plan({ environment: 'web', point: 'latest' }))).toBe('forbidden')
  })

  it('names whoever works on the environment, at the plan and at the run', async () => {
    const { ticket } = await plan()
    const release = host.driver.hold('stopGuest')
    const stopping = await host.as('operator', 'alice').environments.stop(command())
    expect((await refusalOf(plan())).message).toMatch(/^alice is running stop on web/)
    expect((await refusalOf(run(ticket.id))).message).toMatch(/^alice is running stop on web/)
    release()
    await ended(stopping)
  })

  it('refuses what has no room on the host, or in the home, and what its repository does not answer', async () => {
    host.driver.freeBytes = 1024
    const full = await refusalOf(plan())
    expect(full).toMatchObject({ code: 'host_limit_reached' })
    host.driver.freeBytes = 64 * 1024 ** 3
    const { ticket } = await plan()
    host.driver.freeBytes = 1024
    expect(await codeOf(run(ticket.id))).toBe('host_limit_reached')
    host.driver.freeBytes = 64 * 1024 ** 3
    host.repositories.failNext('list', new PilothouseError('repository_unreachable', 'No answer.'))
    expect(await codeOf(run(ticket.id))).toBe('repository_unreachable')
    const large = await makePoint(host, 'web', { bytes: 2 * 1024 ** 3 })
    expect((await refusalOf(plan(large))).message).toContain('the home of web may be 1024 MiB large')
    expect(await ended(await run(ticket.id))).toMatchObject({ status: { kind: 'succeeded' } })
  })

  it('is refused where nobody can tell how much disk is free', async () => {
    const { ticket } = await plan()
    host.driver.freeHomeBytes = () => Promise.reject(new Error('The disk does not say.'))
    const refused = { code: 'storage_failed', message: expect.stringContaining('The disk does not say.') as string }
    expect(await refusalOf(plan())).toMatchObject(refused)
    expect(await refusalOf(run(ticket.id))).toMatchObject(refused)
  })

  it('does not come up when the guest fails twice, and keeps everything for review', async () => {
    const before = await get()
    const { ticket } = await plan()
    host.driver.failNext('ready', new Error('not on the new home'))
    host.driver.failNext('ready', new Error('nor on the old one'))
    const operation = await ended(await run(ticket.id))
    expect(operation).toMatchObject({
      status: { kind: 'failed', failure: { details: { rollbackFailedAt: 'stop_guest' } } },
    })
    const after = await get()
    expect(after).toMatchObject({ home: before.home, observed: { kind: 'failed', reason: 'cleanup_failed' } })
    expect(host.machine.homes.ids()).toHaveLength(2)
    expect(host.machine.guests.ids()).toEqual([])
    expect(outcomes().slice(-2)).toEqual(['kept_for_review', 'rollback_failed'])
    const kept = readStore(host, (store) => store.db.all('SELECT purpose, until FROM kept_homes'))
    expect(kept).toEqual([{ purpose: 'review', until: null }])
    expect(await ended(await restore())).toMatchObject({ status: { kind: 'succeeded' } })
  })
})
