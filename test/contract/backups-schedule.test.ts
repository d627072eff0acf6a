import { afterEach, describe, expect, it } from 'vitest'
import type { DaemonOptions } from '../../host-daemon/daemon-options.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import {
  newCommandId,
  spawnInput,
  startFakeDriverDaemon,
  UNSCHEDULED,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import { LeapingClock } from '../support/leaping-clock.ts'
import { waitFor } from '../support/wait-for.ts'

const MINUTE = 60_000
const HOUR = 60 * MINUTE
const DAY = 24 * HOUR
const HOURLY: DaemonOptions['recovery'] = {
  ...UNSCHEDULED,
  policy: { ...UNSCHEDULED.policy, intervalMinutes: 60 },
  tickMs: 10,
}

describe('the schedule of backups', () => {
  let host: FakeDriverDaemon
  let clock: LeapingClock
  const admin = () => host.as('admin')
  const ended = ({ id }: Pick<Operation, 'id'>) => admin().operations.wait({ id, timeoutMs: 60_000 })
  const rows = async () => (await admin().backups.status({})).rows
  const row = async () => (await rows())[0]!
  const backups = async () => (await admin().operations.list({ limit: 500 })).filter(({ kind }) => kind === 'backup')
  const countOf = async (status: string) => (await backups()).filter((each) => each.status.kind === status).length
  const outcomes = (action: string) =>
    host.activity().flatMap((entry) => (entry.action === action ? [entry.outcome] : []))

  async function start(recovery = HOURLY, names = ['web']): Promise<void> {
    clock = new LeapingClock()
    const options = { recovery, observeIntervalMs: 100, staleAfterMs: 10 * DAY }
    host = await startFakeDriverDaemon({ clock, options, isMute: true })
    for (const name of names) await ended(await admin().environments.spawn(spawnInput(name)))
    if (recovery.policy.intervalMinutes !== null) await timesAreRecorded()
  }
  /** Before that, a leap puts off what it was to bring about. */
  async function timesAreRecorded(): Promise<void> {
    await waitFor('the time of every next backup', async () =>
      (await rows()).every(({ nextAt }) => nextAt !== null && nextAt - clock.now() <= 1.1 * HOUR),
    )
  }
  afterEach(async () => {
    await host.remove()
    clock.stop()
  })
  /** Looks at what is due, each of which could have done something. */
  async function looks(): Promise<void> {
    const until = clock.now() + 200
    await waitFor('some looks', () => clock.now() > until)
  }

  it('makes the first one soon, then one an interval, and says when the next is due', async () => {
    await start()
    clock.leap(5 * MINUTE)
    await waitFor('the first backup', async () => (await countOf('succeeded')) === 1)
    const { nextAt, latest, freshness } = await row()
    expect(freshness.kind).toBe('healthy')
    expect(nextAt! - latest!.takenAt).toBeGreaterThanOrEqual(HOUR)
    expect(nextAt! - latest!.takenAt).toBeLessThanOrEqual(1.1 * HOUR)
    clock.leap(nextAt! - clock.now() - MINUTE)
    await looks()
    expect(await backups()).toHaveLength(1)
    clock.leap(MINUTE)
    await waitFor('the second backup', async () => (await countOf('succeeded')) === 2)
    const [operation] = await backups()
    expect(operation!.actor).toMatchObject({ user: 'pilothoused', role: 'admin', claimedActor: null })
  })

  it('outlives the daemon, neither starting at once nor forgetting', async () => {
    await start()
    clock.leap(5 * MINUTE)
    await waitFor('the first backup', async () => (await countOf('succeeded')) === 1)
    const { nextAt } = await row()
    host = await host.restart()
    await looks()
    expect(await backups()).toHaveLength(1)
    expect((await row()).nextAt).toBe(nextAt)
    clock.leap(2 * HOUR)
    await waitFor('the one that is due', async () => (await countOf('succeeded')) === 2)
  })

  it('backs off while it fails, twice as long each time', async () => {
    await start()
    for (let times = 0; times < 3; times += 1)
      host.repositories.failNext('backUp', new PilothouseError('engine_failed', 'No.'))
    const waits: number[] = []
    clock.leap(5 * MINUTE)
    for (let failures = 1; failures <= 3; failures += 1) {
      await waitFor('a failure', async () => (await countOf('failed')) === failures)
      const { nextAt } = await waitFor('its record', async () => {
        const found = await row()
        return found.lastAttempt?.outcome === 'failed' && found.nextAt! > clock.now() ? found : undefined
      })
      waits.push(Math.round((nextAt! - clock.now()) / MINUTE))
      clock.leap(nextAt! - clock.now())
    }
    expect(waits).toEqual([5, 10, 20])
    await waitFor('the success', async () => (await countOf('succeeded')) === 1)
    expect((await row()).nextAt! - clock.now()).toBeGreaterThan(50 * MINUTE)
  })

  it('neither floods nor starves when the clock is set forward, and back', async () => {
    const names = Array.from({ length: 8 }, (_unused, at) => `web-${at}`)
    await start(HOURLY, names)
    clock.leap(5 * MINUTE)
    await waitFor('the first backups', async () => (await countOf('succeeded')) === names.length)
    host.repositories.delayMs.backUp = 5
    let most = 0
    clock.leap(400 * DAY)
    await waitFor('the backups that are due', async () => {
      most = Math.max(most, await countOf('running'))
      return (await countOf('succeeded')) === 2 * names.length
    })
    expect(most).toBeLessThanOrEqual(HOURLY.maxConcurrent)
    await looks()
    expect(await backups()).toHaveLength(2 * names.length)
    clock.leap(-400 * DAY)
    await looks()
    expect(await backups()).toHaveLength(2 * names.length)
    await timesAreRecorded()
    for (const { freshness } of await rows()) expect(freshness.kind).toBe('unavailable')
    clock.leap(1.1 * HOUR)
    await waitFor('backups by the clock that is right', async () => (await countOf('succeeded')) === 3 * names.length)
  })

  it('leaves alone what is destroyed or has no home, and waits for what is at work', async () => {
    await start(HOURLY, ['web', 'gone'])
    const { ticket } = await admin().environments.destroy.plan({ environment: 'gone' })
    const run = { commandId: newCommandId(), environment: 'gone', ticket: ticket.id, confirmName: 'gone' }
    await ended(await admin().environments.destroy.run(run))
    host.driver.failNext('createHome', new Error('No.'))
    await ended(await admin().environments.spawn(spawnInput('bare')))
    const release = host.driver.hold('stopGuest')
    const stopping = await admin().environments.stop({ commandId: newCommandId(), environment: 'web' })
    clock.leap(5 * MINUTE)
    await looks()
    expect(await backups()).toEqual([])
    release()
    await ended(stopping)
    await waitFor('the backup', async () => (await countOf('succeeded')) === 1)
    expect((await backups()).map(({ environmentName }) => environmentName)).toEqual(['web'])
    expect((await rows()).find(({ environmentName }) => environmentName === 'bare')).toMatchObject({
      freshness: { kind: 'not_provisioned' },
      nextAt: null,
    })
  })

  it('makes up soon for one that gave way', async () => {
    await start()
    const release = host.repositories.hold('backUp')
    clock.leap(5 * MINUTE)
    await waitFor('the backup', () => host.repositories.calls.backUp === 1)
    await ended(await admin().environments.recover({ commandId: newCommandId(), environment: 'web' }))
    release()
    await waitFor('the cancel', async () => (await countOf('cancelled')) === 1)
    expect((await row()).nextAt! - clock.now()).toBeLessThanOrEqual(5 * MINUTE)
    clock.leap(5 * MINUTE)
    await waitFor('the one that makes up for it', async () => (await countOf('succeeded')) === 1)
  })

  it('follows the policy, which is recorded', async () => {
    await start()
    const policy = { intervalMinutes: 5, keep: { last: 2 }, freshnessMinutes: 7, drillIntervalHours: null }
    const set = await admin().backups.setPolicy({ environment: 'web', policy })
    expect(set).toMatchObject({ policy, hasOwnPolicy: true, freshness: { kind: 'missing', thresholdMs: 7 * MINUTE } })
    await admin().backups.setPolicy({ environment: 'web', policy })
    expect(outcomes('backup.policy')).toEqual(['succeeded'])
    await waitFor('the new time', async () => (await row()).nextAt !== null)
    for (let count = 1; count <= 3; count += 1) {
      clock.leap(6 * MINUTE)
      await waitFor(`backup ${count}`, async () => (await countOf('succeeded')) === count)
    }
    await admin().backups.setPolicy({ environment: 'web', policy: { ...policy, intervalMinutes: null } })
    clock.leap(DAY)
    await looks()
    expect(await backups()).toHaveLength(3)
    expect((await row()).nextAt).toBeNull()
    const back = await admin().backups.setPolicy({ environment: 'web', policy: null })
    expect(back).toMatchObject({ hasOwnPolicy: false, policy: { intervalMinutes: 60 } })
  })

  it('tells every change of freshness once, also over a restart', async () => {
    await start({ ...UNSCHEDULED, tickMs: 10 })
    await waitFor('the absence to be told', () => outcomes('backup.freshness').length === 1)
    await ended(await admin().backups.now({ commandId: newCommandId(), environment: 'web' }))
    await waitFor('the backup to be told', () => outcomes('backup.freshness').length === 2)
    host = await host.restart()
    await looks()
    clock.leap(2 * DAY)
    await waitFor('the age to be told', () => outcomes('backup.freshness').length === 3)
    await looks()
    expect(outcomes('backup.freshness')).toEqual(['missing', 'healthy', 'stale'])
  })

  it('checks part by part and prunes, each in its turn', async () => {
    await start({ ...HOURLY, checkIntervalMs: DAY, checkParts: 3, pruneIntervalMs: DAY })
    clock.leap(5 * MINUTE)
    const results = async (kind: string) =>
      (await admin().operations.list({ limit: 500 }))
        .filter((each) => each.kind === kind && each.status.kind === 'succeeded')
        .map(({ result }) => result)
        .toReversed()
    for (let times = 1; times <= 4; times += 1) {
      await waitFor(`check ${times}`, async () => (await results('check')).length === times)
      await waitFor(`prune ${times}`, async () => (await results('prune')).length === times)
      await looks()
      clock.leap(1.1 * DAY)
    }
    const parts = (await results('check')).map((result) => (result?.kind === 'check' ? result.depth : null))
    expect(parts.slice(0, 4)).toEqual([1, 2, 3, 1].map((part) => ({ part, of: 3 })))
    expect((await row()).lastCheck).toMatchObject({ isSound: true })
  })

  it('tries a check that could not be made again, but not at every look', async () => {
    await start({ ...HOURLY, checkIntervalMs: DAY, checkParts: 3 })
    for (let times = 0; times < 3; times += 1)
      host.repositories.failNext('check', new PilothouseError('repository_unreachable', 'Nobody is there.'))
    clock.leap(5 * MINUTE)
    await waitFor('the check', () => host.repositories.calls.check === 1)
    await looks()
    expect(host.repositories.calls.check).toBe(1)
    clock.leap(HOUR)
    await waitFor('the next try', () => host.repositories.calls.check === 2)
  })
})
