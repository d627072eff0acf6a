import { afterEach, describe, expect, it } from 'vitest'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import {
  newCommandId,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import { LeapingClock } from '../support/leaping-clock.ts'
import { UNSCHEDULED } from '../support/made-points.ts'
import { answerAsTold } from '../support/point-bench.ts'
import { waitFor } from '../support/wait-for.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const DAILY = {
  ...UNSCHEDULED,
  policy: { ...UNSCHEDULED.policy, drillIntervalHours: 24 },
  maxConcurrent: 1,
  tickMs: 10,
}

describe('the schedule of drills', () => {
  let host: FakeDriverDaemon
  let clock: LeapingClock
  const admin = () => host.as('admin')
  const ended = ({ id }: Pick<Operation, 'id'>) => admin().operations.wait({ id, timeoutMs: 60_000 })
  const rows = async () => (await admin().backups.status({})).rows
  const row = async () => (await rows())[0]!
  /** Oldest first. */
  const drills = async () =>
    (await admin().operations.list({ limit: 500 })).filter(({ kind }) => kind === 'drill').toReversed()
  const allEnded = (count: number) =>
    waitFor(`${count} drills`, async () => {
      const found = await drills()
      return found.length === count && found.every(({ status }) => status.kind !== 'running') ? found : undefined
    })
  const backUp = async (environment = 'web') =>
    ended(await admin().backups.now({ commandId: newCommandId(), environment }))

  async function start(names = ['web'], more: object = {}): Promise<void> {
    clock = new LeapingClock()
    const options = { recovery: DAILY, observeIntervalMs: 100, staleAfterMs: 100 * DAY, ...more }
    const arrange: NonNullable<Parameters<typeof startFakeDriverDaemon>[0]>['arrange'] = (driver) =>
      (driver.onProgram = answerAsTold)
    host = await startFakeDriverDaemon({ clock, options, arrange, isMute: true })
    for (const name of names) await ended(await admin().environments.spawn(spawnInput(name)))
  }
  afterEach(async () => {
    await host.remove()
    clock.stop()
  })
  const timesAreRecorded = () =>
    waitFor('the time of every next drill', async () => (await rows()).every(({ nextDrillAt: at }) => at !== null))
  async function looks(): Promise<void> {
    const until = clock.now() + 200
    await waitFor('some looks', () => clock.now() > until)
  }

  it('makes one of the newest point soon, then one an interval, also across a restart', async () => {
    await start()
    await looks()
    expect((await row()).nextDrillAt).toBeNull()
    await backUp()
    await timesAreRecorded()
    clock.leap(HOUR)
    const [first] = await allEnded(1)
    expect(first!.status.kind).toBe('succeeded')
    expect(first!.actor).toMatchObject({ user: 'pilothoused', role: 'admin', claimedActor: null })
    const { nextDrillAt, lastDrill } = await row()
    expect(lastDrill).toMatchObject({ isPassed: true })
    expect(nextDrillAt! - lastDrill!.at).toBeGreaterThanOrEqual(DAY)
    expect(nextDrillAt! - lastDrill!.at).toBeLessThanOrEqual(1.1 * DAY + HOUR)
    host = await host.restart()
    await looks()
    expect(await drills()).toHaveLength(1)
    expect((await row()).nextDrillAt).toBe(nextDrillAt)
    clock.leap(1.1 * DAY)
    await allEnded(2)
  })

  it('drills the oldest newest point first that never was, and one that was after those', async () => {
    const names = ['was', 'second', 'third']
    await start(names)
    await backUp('was')
    await ended(await admin().drill({ commandId: newCommandId(), environment: 'was', point: 'latest' }))
    for (const name of ['second', 'third']) {
      clock.leap(HOUR)
      await backUp(name)
    }
    await timesAreRecorded()
    clock.leap(2 * DAY)
    const found = await allEnded(4)
    expect(found.map(({ environmentName }) => environmentName)).toEqual(['was', 'second', 'third', 'was'])
  })

  it('waits for a drill that somebody asked for, and counts it', async () => {
    await start()
    await backUp()
    await timesAreRecorded()
    const release = host.driver.hold('runInGuest')
    const asked = await admin().drill({ commandId: newCommandId(), environment: 'web', point: 'latest' })
    clock.leap(HOUR)
    await looks()
    expect(await drills()).toHaveLength(1)
    release()
    await ended(asked)
    await looks()
    expect(await drills()).toHaveLength(1)
    expect((await row()).nextDrillAt! - clock.now()).toBeGreaterThan(DAY - HOUR)
  })

  it('makes up soon for one that said nothing of its point, and for one that was refused', async () => {
    await start(['web'], { capacity: { environments: null, memoryMiB: 600, homeMiB: null } })
    await backUp()
    await timesAreRecorded()
    clock.leap(HOUR)
    const refusals = () => host.activity().filter(({ action, outcome }) => action === 'drill' && outcome === 'refused')
    await waitFor('the refusal', () => refusals().length === 1)
    await looks()
    expect([refusals().length, (await drills()).length]).toEqual([1, 0])
    expect((await row()).nextDrillAt! - clock.now()).toBeLessThanOrEqual(HOUR)
    await ended(await admin().environments.stop({ commandId: newCommandId(), environment: 'web' }))
    host.repositories.failNext('list', new PilothouseError('repository_unreachable', 'Nobody is there.'))
    clock.leap(HOUR)
    expect((await allEnded(1))[0]!.status.kind).toBe('failed')
    expect(await row()).toMatchObject({ lastDrill: null })
    expect((await row()).nextDrillAt! - clock.now()).toBeLessThanOrEqual(HOUR)
    clock.leap(HOUR)
    expect((await allEnded(2))[1]!.status.kind).toBe('succeeded')
  })

  it('follows the policy', async () => {
    await start()
    await backUp()
    await timesAreRecorded()
    const policy = { intervalMinutes: null, keep: { last: 2 }, freshnessMinutes: null, drillIntervalHours: null }
    expect(await admin().backups.setPolicy({ environment: 'web', policy })).toMatchObject({ nextDrillAt: null })
    clock.leap(10 * DAY)
    await looks()
    expect(await drills()).toEqual([])
    await admin().backups.setPolicy({ environment: 'web', policy: null })
    await timesAreRecorded()
    clock.leap(HOUR)
    await allEnded(1)
  })
})
