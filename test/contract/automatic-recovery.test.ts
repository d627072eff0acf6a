import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DriverFailure } from '../../host-daemon/drivers/vm-driver.ts'
import {
  newCommandId,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import { waitFor } from '../support/wait-for.ts'

/** So many further looks at everything, each of which could have recovered again. */
const LOOKS = 5
const AUTOMATIC = { options: { automaticRecovery: true } }

describe('automatic recovery', () => {
  let host: FakeDriverDaemon
  const client = () => host.as('operator')
  const get = (environment = 'web') => client().environments.get({ environment })
  const becomes = (kind: string) => waitFor(`the state ${kind}`, async () => (await get()).observed.kind === kind)
  const attempts = () => host.activity().filter(({ action, outcome }) => action === 'recover' && outcome === 'accepted')
  const outcomes = () => host.activity().flatMap(({ action, outcome }) => (action === 'recover' ? [outcome] : []))
  const ended = (count: number) =>
    waitFor('the end of the recovery', async () => attempts().length === count && (await get()).operationId === null)

  async function spawned(): Promise<void> {
    const { id } = await client().environments.spawn(spawnInput('web'))
    await client().operations.wait({ id, timeoutMs: 5_000 })
  }

  async function crash(): Promise<void> {
    host.machine.kill((await get()).boot?.id ?? '')
  }

  /** Time in which another attempt would have been made. */
  async function looks(): Promise<void> {
    for (let look = 0; look < LOOKS; look += 1) {
      const { observedAt: before } = await get()
      await waitFor('a look', async () => (await get()).observedAt > before)
    }
  }

  /** Every start from now on fails. */
  function breakStarts(): void {
    for (let times = 0; times < 20; times += 1)
      host.driver.failNext('startGuest', new DriverFailure('hypervisor_failed', 'No.'))
  }

  beforeEach(async () => {
    host = await startFakeDriverDaemon(AUTOMATIC)
    await spawned()
  })
  afterEach(() => host.remove())

  it('is off unless it is asked for', async () => {
    expect((await client().hello()).isRecoveringAutomatically).toBe(true)
    host = await host.restart({ options: {} })
    expect((await client().hello()).isRecoveringAutomatically).toBe(false)
    await crash()
    await becomes('lost')
    await looks()
    expect(attempts()).toEqual([])
  })

  it('brings a lost environment back with its home, and says that it was the daemon', async () => {
    const { home } = await get()
    await crash()
    await ended(1)
    expect(await get()).toMatchObject({ home: { id: home.id }, observed: { kind: 'running', agent: 'answering' } })
    const actor = { user: 'pilothoused', uid: process.getuid?.(), role: 'admin', claimedActor: null }
    const reason = expect.stringContaining('once per failure') as string
    expect(attempts()).toMatchObject([{ actor, detail: { reason } }])
  })

  it('happens again for the next failure, once the agent has answered', async () => {
    for (const count of [1, 2, 3]) {
      await crash()
      await ended(count)
      await waitFor('readiness', async () => (await get()).observed.kind === 'running')
      await looks()
    }
    expect(outcomes().filter((outcome) => outcome === 'succeeded')).toHaveLength(3)
  })

  it('happens once for a failure that it cannot heal, restarts of the daemon included', async () => {
    breakStarts()
    await crash()
    await ended(1)
    await becomes('failed')
    await looks()
    expect(attempts()).toHaveLength(1)
    host = await host.restart(AUTOMATIC)
    await looks()
    host = await host.crash(AUTOMATIC)
    await looks()
    expect(attempts()).toHaveLength(1)
  })

  it('is not made up for by a human attempt that fails too', async () => {
    breakStarts()
    await crash()
    await ended(1)
    const { id } = await client().environments.recover({ commandId: newCommandId(), environment: 'web' })
    expect((await client().operations.wait({ id, timeoutMs: 5_000 })).status.kind).toBe('failed')
    await looks()
    expect(attempts()).toHaveLength(2)
    host.driver.forgetFailures()
    const { id: second } = await client().environments.recover({ commandId: newCommandId(), environment: 'web' })
    expect((await client().operations.wait({ id: second, timeoutMs: 5_000 })).status.kind).toBe('succeeded')
    await looks()
    await crash()
    await ended(4)
  })

  it('stops where the home is gone, once', async () => {
    const { home, boot } = await get()
    host.machine.kill(boot?.id ?? '')
    host.machine.homes.delete(home.id)
    await ended(1)
    await looks()
    const [operation] = await client().operations.list({ limit: 1 })
    expect(operation).toMatchObject({ kind: 'recover', status: { kind: 'failed', failure: { code: 'home_gone' } } })
    expect(attempts()).toHaveLength(1)
    expect(host.machine.homes.ids()).toEqual([])
    expect(host.machine.guests.ids()).toEqual([])
  })

  it('goes on after a crash of the daemon in the middle of it, without a second attempt', async () => {
    host.driver.hold('startGuest')
    await crash()
    await waitFor('the attempt', () => attempts().length === 1)
    host = await host.crash(AUTOMATIC)
    await ended(1)
    expect(await get()).toMatchObject({ observed: { kind: 'running' } })
    expect(host.machine.mostGuestsPerHome).toBe(1)
  })

  it('leaves alone what is meant to be stopped', async () => {
    const { id } = await client().environments.stop({ commandId: newCommandId(), environment: 'web' })
    await client().operations.wait({ id, timeoutMs: 5_000 })
    await looks()
    expect(attempts()).toEqual([])
  })
})
