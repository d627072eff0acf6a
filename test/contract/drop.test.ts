import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { spawnInput, refusalOf, type FakeDriverDaemon } from '../support/fake-driver-daemon.ts'
import { filesIn, putFiles, readStore, UNSCHEDULED } from '../support/made-points.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { restoreCalls, startWithPoint } from '../support/restore-calls.ts'
import { waitFor } from '../support/wait-for.ts'

const THEN = { 'notes.txt': 'as it was' }
const NOW = { 'notes.txt': 'as it is now' }

describe('giving a kept home up', () => {
  let host: FakeDriverDaemon
  let clock: ManualClock
  const restoring = restoreCalls(() => host)
  const { admin, ended, get, command, codeOf, outcomes } = restoring
  const plan = (home?: string) => admin().drop.plan({ environment: 'web', ...(home === undefined ? {} : { home }) })
  const run = (ticket: string, more: object = {}) =>
    admin().drop.run({ ...command(), ticket, confirmName: 'web', ...more })
  const restore = async () => ended(await restoring.run((await restoring.plan()).ticket.id))
  const status = async () => (await admin().backups.status({ environment: 'web' })).rows[0]
  const kept = () => readStore(host, (store) => store.db.all<{ id: string }>('SELECT home_id AS id FROM kept_homes'))
  /** A restore whose going back fails too. */
  const restoreForReview = () => {
    host.driver.failNext('ready', new Error('no'))
    host.driver.failNext('ready', new Error('no'))
    return restore()
  }

  beforeEach(async () => {
    clock = new ManualClock()
    host = await startWithPoint({ then: THEN, now: NOW }, { clock, options: { recovery: UNSCHEDULED } })
  })
  afterEach(() => host.remove())

  it('says what goes, since when and what that frees, and does exactly that', async () => {
    const { home: old } = await get()
    await restore()
    const before = await get()
    const at = clock.now()
    clock.advance(60_000)
    const { plan: drop, ticket } = await plan()
    const time = (ms: number) => new Date(ms).toISOString().replace('.000', '')
    expect(drop).toMatchObject({ kind: 'drop_undo', homeId: old.id, keptFor: 'undo', homeBytes: 4096, needsName: true })
    expect(drop).toMatchObject({ replacedAt: at, undoUntil: at + UNSCHEDULED.undoMs, diskFreeBytes: 64 * 1024 ** 3 })
    expect(drop.text.split('\n')).toEqual([
      `Give up a kept home of web (${before.id}) of owner local on host test-host: removes the home ${old.id}, which was replaced at ${time(at)} and is kept for an undo until ${time(at + UNSCHEDULED.undoMs)}.`,
      `The home ${old.id}, taking 4 KiB on disk, is removed with everything in it. No backup is made of it first; it cannot be taken back.`,
      'After that there is nothing to undo to.',
      'At once 4 KiB of disk are free again. 64 GiB are free now.',
      `Its own home ${before.home.id} and its guest are not touched; the guest goes on as it is.`,
      'All recovery points and the record of what was done are kept.',
    ])
    expect(host.activity().at(-1)).toMatchObject({ action: 'drop_undo.plan', detail: { text: drop.text } })
    expect(await codeOf(run(ticket.id, { confirmName: 'wbe' }))).toBe('invalid_request')
    expect(host.machine.homes.ids()).toContain(old.id)
    expect(await ended(await run(ticket.id, { reason: 'disk full' }))).toMatchObject({
      status: { kind: 'succeeded' },
      actor: { user: 'op' },
      result: { kind: 'drop_undo', homeId: old.id, freedBytes: 4096 },
    })
    expect(host.machine.homes.ids()).toEqual([before.home.id])
    expect(await get()).toMatchObject({ generation: before.generation, observed: before.observed, home: before.home })
    expect(await status()).toMatchObject({ undo: null, keptForReview: [] })
    expect(await codeOf(admin().undo.plan({ environment: 'web' }))).toBe('nothing_to_undo')
    expect(outcomes('drop_undo')).toEqual(['refused', 'accepted', 'dropped_undo', 'succeeded'])
    const accepted = host.activity().find(({ action, outcome }) => action === 'drop_undo' && outcome === 'accepted')
    expect(accepted?.detail).toMatchObject({ reason: 'disk full' })
  })

  it('shows homes for review, and gives one up that is named', async () => {
    const { home: old } = await get()
    await restoreForReview()
    const row = await status()
    expect(row?.keptForReview).toMatchObject([{ keptAt: clock.now() }])
    const homeId = row!.keptForReview[0]!.homeId
    const refusal = await refusalOf(plan())
    expect(refusal).toMatchObject({ code: 'not_found', hint: `Name one that is kept: ${homeId} (for review).` })
    const { plan: drop, ticket } = await plan(homeId)
    expect(drop).toMatchObject({ homeId, keptFor: 'review', undoUntil: null, needsName: true })
    expect(drop.text).toContain('Nothing on record says that a guest was ever ready on what took its place')
    expect(await ended(await run(ticket.id))).toMatchObject({ status: { kind: 'succeeded' } })
    expect((await status())?.keptForReview).toEqual([])
    expect(host.machine.homes.ids()).toEqual([old.id])
    expect(filesIn(host, old.id)).toEqual(NOW)
  })

  it('is for admins, for homes that are kept, and for nothing in flight', async () => {
    const { home } = await get()
    expect(await codeOf(plan())).toBe('not_found')
    expect(await codeOf(plan(home.id))).toBe('not_found')
    expect(await codeOf(host.as('operator').drop.plan({ environment: 'web' }))).toBe('forbidden')
    await restore()
    await ended(await admin().environments.spawn(spawnInput('other')))
    expect(await codeOf(admin().drop.plan({ environment: 'other', home: home.id }))).toBe('not_found')
    const { ticket } = await plan()
    const release = host.driver.hold('stopGuest')
    const stopping = await admin().environments.stop(command())
    expect(await codeOf(plan())).toBe('operation_in_flight')
    expect(await codeOf(run(ticket.id))).toBe('operation_in_flight')
    release()
    await ended(stopping)
    // What the plan rests on has changed: it was made of a guest that was to run.
    expect(await codeOf(run(ticket.id))).toBe('plan_outdated')
    expect(host.machine.homes.ids()).toContain(home.id)
  })

  it('runs once, and is outdated where the home is kept no longer', async () => {
    await restore()
    const [first, second] = [await plan(), await plan()]
    const all = await Promise.all(Array.from({ length: 50 }, () => run(first.ticket.id).catch(() => undefined)))
    const [operation] = all.filter((one) => one !== undefined)
    expect(all.filter((one) => one !== undefined)).toHaveLength(1)
    await ended(operation!)
    expect(await codeOf(run(first.ticket.id))).toBe('ticket_used')
    expect(await codeOf(run(second.ticket.id))).toBe('plan_outdated')
  })

  it('makes the plans of a reset and a destroy outdated, which name the home', async () => {
    await restore()
    const { reset, destroy } = admin().environments
    const plans = await Promise.all([reset, destroy].map(({ plan: ask }) => ask({ environment: 'web' })))
    await ended(await run((await plan()).ticket.id))
    for (const [index, { ticket }] of plans.entries()) {
      const input = { ...command(), ticket: ticket.id, confirmName: 'web' }
      expect(await codeOf([reset, destroy][index]!.run(input))).toBe('plan_outdated')
    }
  })

  it('asks for no name where the home is gone already, and takes it off the record', async () => {
    const { home: old } = await get()
    await restore()
    host.machine.homes.delete(old.id)
    const { plan: drop, ticket } = await plan()
    expect(drop).toMatchObject({ needsName: false, homeBytes: 0, losses: [] })
    expect(await ended(await run(ticket.id, { confirmName: undefined }))).toMatchObject({
      status: { kind: 'succeeded' },
    })
    expect(kept()).toEqual([])
  })

  it('lets nothing be brought back that could not be removed, and is tried again by the daemon', async () => {
    await restore()
    const { ticket } = await plan()
    host.driver.failNext('destroyHome', new Error('The disk does not answer.'))
    const { status: failed } = await ended(await run(ticket.id))
    expect(failed.kind === 'failed' && failed.failure.message).toContain('the daemon tries that again by itself')
    expect(await codeOf(admin().undo.plan({ environment: 'web' }))).toBe('nothing_to_undo')
    expect(await codeOf(plan())).toBe('not_found')
    await waitFor('the removal', () => {
      clock.advance(60_000)
      return kept().length === 0
    })
    expect(host.machine.homes.ids()).toHaveLength(1)
  })

  it('is not kept for review by a restore that fails behind it, half removed as it may be', async () => {
    const { home: old } = await get()
    await restore()
    const { ticket } = await plan()
    host.driver.failNext('destroyHome', new Error('The disk does not answer.'))
    await ended(await run(ticket.id))
    await restoreForReview()
    expect((await status())?.keptForReview.map(({ homeId }) => homeId)).not.toContain(old.id)
    expect((await status())?.keptForReview).toHaveLength(1)
    expect(readStore(host, (store) => store.keptHomes.find(old.id)?.purpose)).toBe('removal')
  })

  it('is finished by the next daemon where one dies in the middle', async () => {
    await host.remove()
    host = await startWithPoint({ then: THEN, now: NOW }, { options: { letGoMs: 50, recovery: UNSCHEDULED } })
    const { home: old } = await get()
    await restore()
    host.driver.hold('destroyHome')
    const operation = await run((await plan()).ticket.id)
    await waitFor('the removal', () => host.driver.calls.destroyHome === 1)
    host = await host.crash()
    expect(await ended(operation)).toMatchObject({ status: { kind: 'succeeded' } })
    expect(host.machine.homes.ids()).not.toContain(old.id)
    expect(kept()).toEqual([])
  })

  it('is what a restore or a reset names that has no space, and lets it run', async () => {
    const { home: old } = await get()
    await restore()
    await putFiles(host, 'web', NOW)
    host.driver.freeBytes = 1024
    for (const refused of [restoring.plan(), admin().environments.reset.plan({ environment: 'web' })]) {
      const { code, hint } = await refusalOf(refused)
      expect(code).toBe('host_limit_reached')
      expect(hint).toContain(`The home ${old.id}, which takes 4 KiB, is kept for an undo until`)
      expect(hint).toContain('pilothouse restore drop web --plan')
    }
    await ended(await run((await plan()).ticket.id))
    expect((await refusalOf(restoring.plan())).hint).not.toContain('drop')
    host.driver.freeBytes = 64 * 1024 ** 3
    expect(await restore()).toMatchObject({ status: { kind: 'succeeded' } })
  })
})
