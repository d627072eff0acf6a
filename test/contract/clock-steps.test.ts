import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { DEFAULT_DEADLINES } from '../../host-daemon/daemon-options.ts'
import {
  newCommandId,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import type { FakeVmDriver } from '../support/fake-vm-driver.ts'
import { LeapingClock } from '../support/leaping-clock.ts'
import { waitFor } from '../support/wait-for.ts'

const HOUR_MS = 3_600_000
const [backward, forward] = [-HOUR_MS, HOUR_MS]

describe("a step of the host's clock", () => {
  let host: FakeDriverDaemon
  let clock: LeapingClock
  const client = () => host.as('operator')
  const get = () => client().environments.get({ environment: 'web' })
  const becomes = (kind: string) => waitFor(`the state ${kind}`, async () => (await get()).observed.kind === kind)
  const ended = (id: Parameters<ReturnType<typeof client>['operations']['wait']>[0]['id']) =>
    waitFor('its end', async () => {
      const operation = await client().operations.get({ id })
      return operation.status.kind === 'running' ? undefined : operation
    })

  beforeEach(async () => {
    clock = new LeapingClock()
    host = await startFakeDriverDaemon({ clock, options: { observeIntervalMs: 100, staleAfterMs: 2_000 } })
    await ended((await client().environments.spawn(spawnInput('web'))).id)
  })
  afterEach(async () => {
    await host.remove()
    clock.stop()
  })

  it('back keeps no guest running that nobody can ask, and nothing is told to be seen in the future', async () => {
    host.driver.unknownInspections = Number.MAX_SAFE_INTEGER
    clock.leap(backward)
    expect((await get()).observedAt).toBeLessThanOrEqual(clock.now())
    await becomes('unknown')
    const unknown = await get()
    expect(unknown.observedAt).toBeLessThan(unknown.observed.since)
    expect(unknown.observed.since).toBeLessThanOrEqual(clock.now())
  })

  it('back before the next daemon starts keeps none running either', async () => {
    clock.leap(backward)
    const arrange = (driver: FakeVmDriver) => (driver.unknownInspections = Number.MAX_SAFE_INTEGER)
    host = await host.restart({ arrange })
    expect((await get()).observedAt).toBeLessThan(clock.now() - 2_000)
    await becomes('unknown')
  })

  it.each([backward, forward])('of %d ms makes no guest unknown that answers', async (byMs) => {
    const seen = new Set<string>()
    clock.leap(byMs)
    const until = host.driver.calls.inspectGuest + 20
    await waitFor('twenty looks', async () => {
      seen.add((await get()).observed.kind)
      return host.driver.calls.inspectGuest >= until
    })
    expect([...seen]).toEqual(['running'])
  })

  it.each([backward, forward])('of %d ms in the middle of a start takes nothing from the guest', async (byMs) => {
    const budgets: number[] = []
    const wait = host.driver.waitUntilReady.bind(host.driver)
    vi.spyOn(host.driver, 'waitUntilReady').mockImplementation((record, deadlineMs, signal) => {
      budgets.push(deadlineMs)
      return wait(record, deadlineMs, signal)
    })
    const release = host.driver.hold('startGuest')
    const calls = host.driver.calls.startGuest
    const { id } = await client().environments.spawn({ ...spawnInput('db'), commandId: newCommandId() })
    await waitFor('the start', () => host.driver.calls.startGuest > calls)
    clock.leap(byMs)
    release()
    expect(await ended(id)).toMatchObject({ status: { kind: 'succeeded' } })
    const { startMs } = DEFAULT_DEADLINES
    expect(budgets).toHaveLength(1)
    expect(budgets[0]).toBeGreaterThan(startMs / 2)
    expect(budgets[0]).toBeLessThanOrEqual(startMs)
  })
})
