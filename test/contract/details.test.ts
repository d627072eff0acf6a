import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import {
  newCommandId,
  refusalOf,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'

describe('names and labels', () => {
  let host: FakeDriverDaemon
  const client = () => host.as('operator')
  const wait = (id: string) => client().operations.wait({ id, timeoutMs: 5_000 })
  const recorded = (action: string) => host.activity().filter((entry) => entry.action === action)

  beforeEach(async () => {
    host = await startFakeDriverDaemon()
    await wait((await client().environments.spawn({ ...spawnInput('web'), labels: { tier: 'front' } })).id)
  })
  afterEach(() => host.remove())

  it('are changed with guest, home, boot and generation as they were, and recorded with what they were', async () => {
    const before = await client().environments.get({ environment: 'web' })
    const renamed = await client().environments.rename({ environment: 'web', name: 'shop' })
    expect(renamed).toEqual({ ...before, name: 'shop', observedAt: expect.any(Number) as number })
    const labels = { tier: 'back', 'team/owner': '' }
    const labelled = await client().environments.setLabels({ environment: 'shop', labels })
    expect(labelled).toMatchObject({ id: before.id, labels, generation: before.generation })
    expect(recorded('environment.rename')).toMatchObject([
      { outcome: 'succeeded', environmentId: before.id, environmentName: 'web', detail: { from: 'web', to: 'shop' } },
    ])
    expect(recorded('environment.label')).toMatchObject([
      { environmentName: 'shop', detail: { from: { tier: 'front' }, to: labels }, actor: { role: 'operator' } },
    ])
    expect((await refusalOf(client().environments.get({ environment: 'web' }))).code).toBe('not_found')
    expect(host.machine.guests.ids()).toHaveLength(1)
  })

  it('that stay the same change nothing and record nothing', async () => {
    const count = host.activity().length
    await client().environments.rename({ environment: 'web', name: 'web' })
    await client().environments.setLabels({ environment: 'web', labels: { tier: 'front' } })
    await host.as('admin').environments.setProtection({ environment: 'web', isProtected: false })
    expect(host.activity()).toHaveLength(count)
  })

  it('are refused where another environment has the name, and the name is free once that one has another', async () => {
    await wait((await client().environments.spawn(spawnInput('shop'))).id)
    const taken = await refusalOf(client().environments.rename({ environment: 'web', name: 'shop' }))
    expect(taken.code).toBe('name_taken')
    expect(recorded('environment.rename')).toEqual([])
    await client().environments.rename({ environment: 'shop', name: 'old-shop' })
    expect((await client().environments.rename({ environment: 'web', name: 'shop' })).name).toBe('shop')
  })

  it('give one of many the name when it is asked for at the same time', async () => {
    for (const name of ['a', 'b', 'c']) await wait((await client().environments.spawn(spawnInput(name))).id)
    const renames = ['a', 'b', 'c'].map((environment) => client().environments.rename({ environment, name: 'one' }))
    const outcomes = await Promise.allSettled(renames)
    expect(outcomes.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    expect(recorded('environment.rename')).toHaveLength(1)
  })

  it('change under an operation in flight, which goes on; a plan made under the old name is outdated', async () => {
    const { ticket } = await host.as('admin').environments.destroy.plan({ environment: 'web' })
    const release = host.driver.hold('stopGuest')
    const stopping = await client().environments.stop({ commandId: newCommandId(), environment: 'web' })
    const renamed = await client().environments.rename({ environment: 'web', name: 'shop' })
    expect(renamed.operationId).toBe(stopping.id)
    release()
    expect(await wait(stopping.id)).toMatchObject({ status: { kind: 'succeeded' }, environmentName: 'web' })
    expect((await client().environments.get({ environment: 'shop' })).observed.kind).toBe('stopped')
    const run = { commandId: newCommandId(), environment: 'shop', ticket: ticket.id, confirmName: 'shop' }
    const refused = await refusalOf(host.as('admin').environments.destroy.run(run))
    expect(refused.code).toBe('plan_outdated')
    expect(refused.message).toContain('name was web and is shop')
  })

  it('are heard of by whoever listens', async () => {
    const events = await client().events({})
    const iterator = events[Symbol.asyncIterator]()
    await iterator.next()
    await client().environments.rename({ environment: 'web', name: 'shop' })
    await client().environments.setLabels({ environment: 'shop', labels: { a: 'b' } })
    const heard: string[] = []
    while (!heard.some((text) => text.includes('"a":"b"'))) heard.push(JSON.stringify((await iterator.next()).value))
    expect(heard.some((text) => text.includes('"name":"shop"'))).toBe(true)
    await iterator.return(undefined)
  })
})
