import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { spawnInput, startFakeDriverDaemon, type FakeDriverDaemon } from '../support/fake-driver-daemon.ts'
import { makePoint, UNSCHEDULED } from '../support/made-points.ts'
import { restoreCalls, startWithPoint } from '../support/restore-calls.ts'
import { waitFor } from '../support/wait-for.ts'

const THEN = { 'notes.txt': 'as it was', 'work/a': 'first' }
const NOW = { 'notes.txt': 'as it is now', 'work/b': 'second', 'work/c': 'third' }

describe('what a plan of a restore counts', () => {
  let host: FakeDriverDaemon
  const { admin, ended, command, plan, run, codeOf, contentNow } = restoreCalls(() => host)

  beforeEach(async () => {
    host = await startWithPoint({ then: THEN, now: NOW })
  })
  afterEach(async () => {
    expect(host.machine.mostGuestsPerHome).toBeLessThanOrEqual(1)
    await host.remove()
  })

  it('says what it could not count, and why, and how the newest point differs', async () => {
    const fail = () => host.driver.failNext('openHomeView', new Error('The guest does not freeze.'))
    fail()
    const { plan: newest } = await plan()
    expect(newest.loss).toEqual({ kind: 'not_counted', why: 'The guest does not freeze.', sinceLatest: null })
    expect(newest.text).toContain('How much that is was not counted. The guest does not freeze.')
    await makePoint(host, 'web', { takenAt: newest.point.takenAt + 1 })
    fail()
    const { plan: older } = await plan(newest.point.id)
    expect(older.loss).toMatchObject({ kind: 'not_counted', sinceLatest: { added: 2, changed: 1, removed: 1 } })
    expect(host.machine.views.ids()).toEqual([])
  })

  it('gives the home up at once to an operation that begins while it counts', async () => {
    const release = host.driver.hold('openViewTree')
    const planning = plan()
    await waitFor('the view', () => host.driver.calls.openViewTree === 1)
    const stopping = await admin().environments.stop(command())
    const { plan: planned, ticket } = await planning
    expect(planned.loss).toMatchObject({ kind: 'not_counted', why: 'An operation on the environment began meanwhile.' })
    expect(host.machine.views.ids()).toEqual([])
    release()
    await ended(stopping)
    expect(await codeOf(run(ticket.id))).toBe('plan_outdated')
  })

  it('does not open the home beside a backup, which gives way to the restore', async () => {
    const { ticket: counted } = await plan()
    const release = host.repositories.hold('backUp')
    const backup = await host.as('operator').backups.now(command())
    await waitFor('the backup', () => host.repositories.calls.backUp === 2)
    const { plan: planned } = await plan()
    expect(planned.loss).toMatchObject({
      kind: 'not_counted',
      why: 'Another operation, such as a backup, is reading the home now.',
    })
    const operation = await run(counted.id)
    release()
    expect(await ended(backup)).toMatchObject({ status: { kind: 'cancelled' } })
    expect(await ended(operation)).toMatchObject({ status: { kind: 'succeeded' } })
    expect(await contentNow()).toEqual(THEN)
  })

  it('is let go of by its view before a backup that was accepted meanwhile opens one, and the plan says so', async () => {
    const [counting, closing] = [host.driver.hold('openViewTree'), host.driver.hold('closeHomeView', { isDeaf: true })]
    const planning = plan()
    await waitFor('the view', () => host.driver.calls.openViewTree === 1)
    const looks = host.driver.calls.inspectHome
    const backup = await host.as('operator').backups.now(command())
    await waitFor('the view being closed', () => host.driver.calls.closeHomeView === 1)
    await waitFor('the backup at the home', () => host.driver.calls.inspectHome > looks)
    counting()
    // Whoever does not wait for its turn has failed by then.
    await delay(30)
    expect((await admin().operations.get({ id: backup.id })).status).toMatchObject({ kind: 'running' })
    closing()
    expect(await ended(backup)).toMatchObject({ status: { kind: 'succeeded' } })
    const { plan: planned } = await planning
    expect(planned.loss).toMatchObject({ kind: 'not_counted', why: 'An operation on the environment began meanwhile.' })
    expect(host.machine.views.ids()).toEqual([])
  })

  it('counts for two plans at once, one after the other', async () => {
    const release = host.driver.hold('openViewTree')
    const looks = host.driver.calls.inspectHome
    const planning = [plan(), plan()]
    await waitFor('the view', () => host.driver.calls.openViewTree === 1)
    await waitFor('the second plan at the home', () => host.driver.calls.inspectHome === looks + 2)
    await delay(30)
    release()
    for (const { plan: planned } of await Promise.all(planning))
      expect(planned.loss).toEqual({ kind: 'counted', changes: expect.objectContaining({ added: 2 }) as unknown })
    expect(host.driver.calls.openHomeView).toBe(2)
  })

  it('counts no longer than it may', async () => {
    await host.remove()
    host = await startFakeDriverDaemon({ options: { recovery: { ...UNSCHEDULED, countingMs: 50 } } })
    await ended(await admin().environments.spawn(spawnInput('web')))
    await makePoint(host, 'web')
    const release = host.driver.hold('openViewTree')
    const { plan: planned } = await plan()
    expect(planned.loss).toMatchObject({ kind: 'not_counted', why: 'It would have taken longer than 0 s.' })
    release()
  })
})
