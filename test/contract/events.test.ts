import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import type { DaemonEvent } from '../../src-shared/contract/daemon.ts'
import {
  newCommandId,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'

type Subscription = AsyncIterator<DaemonEvent, unknown>

describe('events', () => {
  let host: FakeDriverDaemon
  const client = () => host.as('operator')
  const next = async (events: Subscription) => {
    const { value, done } = await events.next()
    if (done === true) throw new Error('The subscription has ended')
    return value
  }
  const until = async (events: Subscription, isLast: (event: DaemonEvent) => boolean) => {
    const seen: DaemonEvent[] = []
    do seen.push(await next(events))
    while (!isLast(seen.at(-1) as DaemonEvent))
    return seen
  }
  const succeeded = (event: DaemonEvent) =>
    event.type === 'operation_changed' && event.operation.status.kind === 'succeeded'

  beforeEach(async () => {
    host = await startFakeDriverDaemon()
  })
  afterEach(() => host.remove())

  it('are the state first, then every change, numbered without holes', async () => {
    const events = await client().events({})
    const snapshot = await next(events)
    expect(snapshot).toMatchObject({ type: 'snapshot', environments: [], operations: [] })
    await client().environments.spawn(spawnInput('web'))
    const seen = (await until(events, succeeded)).filter(({ type }) => type !== 'confirmed')
    const first = snapshot.cursor.seq
    expect(seen.map(({ cursor }) => cursor.seq)).toEqual(seen.map((_, index) => first + index + 1))
    const phases = seen.flatMap((event) => (event.type === 'operation_changed' ? [event.operation.phase] : []))
    expect([...new Set(phases)]).toEqual([
      'requested',
      'provisioning_vm',
      'booting_guest',
      'waiting_for_service_ready',
      'ready',
    ])
    const states = seen.flatMap((event) =>
      event.type === 'environment_changed' ? [event.environment.observed.kind] : [],
    )
    expect([...new Set(states)]).toEqual(['creating', 'booting', 'running'])
  })

  it('go on where a subscriber left off, and end with the environment', async () => {
    const events = await client().events({})
    await client().environments.spawn(spawnInput('web'))
    const [, ...all] = await until(events, succeeded)
    await events.return(undefined)
    const since = all.find(({ type }) => type === 'operation_changed')?.cursor
    const resumed = await client().events({ since })
    const rest = all.filter(({ type, cursor }) => type !== 'confirmed' && cursor.seq > (since?.seq ?? 0))
    for (const event of rest) expect(await next(resumed)).toEqual(event)
    const admin = host.as('admin')
    const { plan, ticket } = await admin.environments.destroy.plan({ environment: 'web' })
    const input = { commandId: newCommandId(), environment: 'web', ticket: ticket.id, confirmName: 'web' }
    await admin.environments.destroy.run(input)
    const removed = (await until(resumed, succeeded)).filter(({ type }) => type === 'environment_removed')
    expect(removed).toEqual([expect.objectContaining({ environmentId: plan.environmentId })])
    await resumed.return(undefined)
  })

  it('answer reset, and end, for another epoch, a future place and one that is too far behind', async () => {
    host = await host.restart({ options: { eventRingSize: 4 } })
    const start = (await client().environments.list()).cursor
    const { id } = await client().environments.spawn(spawnInput('web'))
    await client().operations.wait({ id, timeoutMs: 5_000 })
    for (const since of [{ ...start, epoch: 'before' }, { ...start, seq: start.seq + 1_000 }, start]) {
      const events = await client().events({ since })
      expect(await next(events)).toMatchObject({ type: 'reset', cursor: { epoch: start.epoch } })
      expect((await events.next()).done).toBe(true)
    }
  })

  it('confirm the state every so often, with the time at which it was looked at', async () => {
    const events = await client().events({})
    const seen = await until(events, ({ type }) => type === 'confirmed')
    expect(seen.at(-1)).toMatchObject({ type: 'confirmed', now: expect.any(Number) as number })
    await events.return(undefined)
  })

  it('go on being confirmed when the clock of the host is set back', async () => {
    let setBackMs = 0
    const system = new SystemClock()
    const [monotonicMs, sleep] = [system.monotonicMs.bind(system), system.sleep.bind(system)]
    const clock = { now: () => system.now() - setBackMs, monotonicMs, sleep }
    const other = await startFakeDriverDaemon({ clock })
    try {
      const events = await other.as('viewer').events({})
      await until(events, ({ type }) => type === 'confirmed')
      setBackMs = 3_600_000
      const seen = await until(events, (event) => event.type === 'confirmed' && event.now < system.now() - 1_800_000)
      expect(seen.length).toBeGreaterThan(0)
      await events.return(undefined)
    } finally {
      await other.remove()
    }
  })

  it('end at once when the subscriber goes, and when the daemon ends', async () => {
    const abort = new AbortController()
    const events = await client().events({}, { signal: abort.signal })
    await next(events)
    const pending = events.next()
    abort.abort()
    expect((await pending.catch(() => ({ done: true }))).done).toBe(true)
    const others = await client().events({})
    await next(others)
    await host.stop()
    const drained = async () => {
      while ((await others.next()).done !== true);
      return true
    }
    expect(await drained()).toBe(true)
  })
})
