import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { spawnInput, startFakeDriverDaemon, type FakeDriverDaemon } from '../support/fake-driver-daemon.ts'
import { waitFor } from '../support/wait-for.ts'

describe('readiness', () => {
  let host: FakeDriverDaemon
  const client = () => host.as('operator')
  const get = () => client().environments.get({ environment: 'web' })
  const said = () => host.activity().filter(({ action }) => action.startsWith('readiness.'))
  const actions = () => said().map(({ action }) => action)
  const agentIs = (agent: string) =>
    waitFor(`an agent that is ${agent}`, async () => {
      const { observed } = await get()
      return observed.kind === 'running' && observed.agent === agent
    })

  beforeEach(async () => {
    host = await startFakeDriverDaemon()
    const { id } = await client().environments.spawn(spawnInput('web'))
    await client().operations.wait({ id, timeoutMs: 5_000 })
  })
  afterEach(() => host.remove())

  it('is lost with the agent and regained with it, each said once', async () => {
    const bootId = (await get()).boot?.id ?? ''
    host.machine.setAgent(bootId, 'silent')
    await agentIs('silent')
    const { observedAt } = await get()
    await waitFor('another look', async () => (await get()).observedAt > observedAt)
    expect(said()).toMatchObject([{ action: 'readiness.lost', outcome: 'noticed', actor: null, detail: { bootId } }])
    host.machine.setAgent(bootId, 'answering')
    await agentIs('answering')
    expect(actions()).toEqual(['readiness.lost', 'readiness.regained'])
  })

  it('is not lost over one question that is left open', async () => {
    const bootId = (await get()).boot?.id ?? ''
    const looks = host.driver.calls.inspectGuest
    host.machine.setAgent(bootId, 'silent')
    await waitFor('a look', () => host.driver.calls.inspectGuest > looks)
    host.machine.setAgent(bootId, 'answering')
    const { observedAt } = await get()
    await waitFor('a confirmation', async () => (await get()).observedAt > observedAt)
    expect((await get()).observed).toMatchObject({ kind: 'running', agent: 'answering' })
    expect(actions().length % 2).toBe(0)
  })

  it('is lost with the guest', async () => {
    host.machine.kill((await get()).boot?.id ?? '')
    await waitFor('the loss', async () => (await get()).observed.kind === 'lost')
    expect(actions()).toEqual(['readiness.lost'])
  })

  it('is lost where nobody can tell any more, and regained when somebody can', async () => {
    host.driver.unknownInspections = Number.MAX_SAFE_INTEGER
    await waitFor('doubt', async () => (await get()).observed.kind === 'unknown')
    expect(actions()).toEqual(['readiness.lost'])
    host.driver.unknownInspections = 0
    await agentIs('answering')
    expect(actions()).toEqual(['readiness.lost', 'readiness.regained'])
  })

  it('leaves nothing of a dead guest behind: its boot ends only when its files are gone', async () => {
    const bootId = (await get()).boot?.id ?? ''
    for (let times = 0; times < 3; times += 1) host.driver.failNext('stopGuest', new Error('busy'))
    host.machine.kill(bootId)
    await waitFor('the loss', async () => (await get()).observed.kind === 'lost')
    await waitFor('the end of the boot', () => host.daemon.bootDirectory.liveBoots().length === 0)
    expect(host.machine.files.ids()).toEqual([])
    expect(host.driver.calls.stopGuest).toBe(4)
    expect(host.activity().filter(({ action }) => action === 'guest.gone')).toHaveLength(1)
    expect((await host.as('admin').drift.list({})).items).toEqual([])
  })
})
