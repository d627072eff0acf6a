import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  newCommandId,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import { waitFor } from '../support/wait-for.ts'

describe('what is observed of a guest', () => {
  let host: FakeDriverDaemon
  const client = () => host.as('operator')
  const get = () => client().environments.get({ environment: 'web' })
  const becomes = (kind: string) => waitFor(`the state ${kind}`, async () => (await get()).observed.kind === kind)

  beforeEach(async () => {
    host = await startFakeDriverDaemon()
    const { id } = await client().environments.spawn(spawnInput('web'))
    await client().operations.wait({ id, timeoutMs: 5_000 })
  })
  afterEach(() => host.remove())

  it('is confirmed again and again without a change', async () => {
    const before = await get()
    await waitFor('a confirmation', async () => (await get()).observedAt > before.observedAt)
    expect((await get()).observed).toEqual(before.observed)
  })

  it('is lost soon after the guest ended by itself; its boot has ended, and it can be started again', async () => {
    host.machine.kill((await get()).boot?.id ?? '')
    await becomes('lost')
    expect(await get()).toMatchObject({ desired: 'running', observed: { detail: 'Its process has ended.' } })
    expect(host.daemon.bootDirectory.liveBoots()).toEqual([])
    const { id } = await client().environments.start({ commandId: newCommandId(), environment: 'web' })
    expect(await client().operations.wait({ id, timeoutMs: 5_000 })).toMatchObject({ status: { kind: 'succeeded' } })
    expect(await get()).toMatchObject({ observed: { kind: 'running' }, boot: { ordinal: 2 } })
  })

  it('ages while the question fails, is unknown past its bound, and running again when it is answered', async () => {
    const before = await get()
    host.driver.unknownInspections = 1
    await waitFor('the question', () => host.driver.unknownInspections === 0)
    expect((await get()).observed).toEqual(before.observed)
    host.driver.unknownInspections = Number.MAX_SAFE_INTEGER
    await becomes('unknown')
    const unknown = await get()
    expect(unknown.observedAt).toBeLessThan(unknown.observed.since)
    expect(host.daemon.bootDirectory.liveBoots()).toHaveLength(1)
    host.driver.unknownInspections = 0
    await becomes('running')
    expect((await get()).boot).toEqual(before.boot)
  })

  it('is not shown as running for longer than its bound while a question hangs', async () => {
    const release = host.driver.hold('inspectGuest')
    await becomes('unknown')
    release()
    await becomes('running')
  })

  it('stays confirmed while an operation on it only waits for its turn', async () => {
    const release = host.driver.hold('ready')
    await client().environments.spawn(spawnInput())
    await client().environments.spawn(spawnInput())
    await waitFor('both turns to be taken', () => host.driver.calls.ready === 3)
    const { id } = await client().environments.start({ commandId: newCommandId(), environment: 'web' })
    const before = await get()
    await waitFor('a confirmation', async () => (await get()).observedAt > before.observedAt)
    expect(await get()).toMatchObject({ observed: { kind: 'running' }, operationId: id })
    release()
    expect(await client().operations.wait({ id, timeoutMs: 5_000 })).toMatchObject({ status: { kind: 'succeeded' } })
  })

  it('tells a silent agent from an answering one', async () => {
    host.machine.setAgent((await get()).boot?.id ?? '', 'silent')
    await waitFor('silence', async () => {
      const { observed } = await get()
      return observed.kind === 'running' && observed.agent === 'silent'
    })
  })

  it('gives the consoles their boots, and refuses to type into one that has ended', async () => {
    const { bootDirectory } = host.daemon
    const { id: environmentId } = await get()
    const [boot] = bootDirectory.bootsOf(environmentId)
    expect(boot).toMatchObject({ ordinal: 1, endedAt: null, gaps: [] })
    if (boot === undefined) throw new Error('no boot')
    const changed: (number | null)[] = []
    const subscription = bootDirectory.onBootChanged(({ endedAt }) => changed.push(endedAt))
    bootDirectory.recordGap(boot.bootId, { offset: 0, length: 10, reason: 'retention' })
    expect(bootDirectory.boot(boot.bootId)?.gaps).toEqual([{ offset: 0, length: 10, reason: 'retention' }])
    const input = await bootDirectory.openInput(boot.bootId)
    await input.write(Buffer.from('hello\r'))
    host.machine.kill(boot.bootId)
    await expect(bootDirectory.openInput(boot.bootId)).rejects.toMatchObject({ code: 'guest_gone' })
    await becomes('lost')
    await expect(bootDirectory.openInput(boot.bootId)).rejects.toMatchObject({ code: 'guest_gone' })
    expect(changed).toEqual([null, expect.any(Number)])
    subscription.dispose()
  })
})
