import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { forgetOldOperations } from '../../../host-daemon/operations/retention.ts'
import { openDatabase, type Database } from '../../../host-daemon/store/database.ts'
import { createStore, type Store } from '../../../host-daemon/store/store.ts'
import {
  newCommandId,
  refusalOf,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../../support/fake-driver-daemon.ts'
import { ManualClock } from '../../support/manual-clock.ts'

const DAY_MS = 24 * 60 * 60 * 1000

describe('retention', () => {
  let host: FakeDriverDaemon
  let db: Database
  let store: Store
  const admin = () => host.as('admin')
  const wait = (id: string) => admin().operations.wait({ id, timeoutMs: 5_000 })
  const forgetIn = (days: number) =>
    forgetOldOperations({ store, clock: new ManualClock(Date.now() + days * DAY_MS), keepMs: 2 * DAY_MS })
  const destroy = async (environment: string) => {
    const { ticket } = await admin().environments.destroy.plan({ environment })
    const input = { commandId: newCommandId(), environment, ticket: ticket.id, confirmName: environment }
    await wait((await admin().environments.destroy.run(input)).id)
    return input
  }

  beforeEach(async () => {
    host = await startFakeDriverDaemon()
    db = openDatabase(join(host.folder, 'pilothoused.db'), { clock: new ManualClock() })
    store = createStore(db)
  })
  afterEach(async () => {
    db.dispose()
    await host.remove()
  })

  it('forgets what is past its keeping, the destroyed environment with it, and nothing that lives', async () => {
    const spawn = spawnInput('lasting')
    await wait((await admin().environments.spawn(spawn)).id)
    await wait((await admin().environments.spawn(spawnInput('passing'))).id)
    const { id } = await admin().environments.get({ environment: 'passing' })
    const boot = store.boots.listOf(id)[0]
    if (boot === undefined) throw new Error('no boot')
    db.transaction(() => store.boots.putGap(boot.id, { offset: 0, length: 1, reason: 'retention' }))
    const input = await destroy('passing')
    forgetIn(1)
    expect((await admin().environments.destroy.run(input)).kind).toBe('destroy')
    expect(store.boots.listOf(id)).toHaveLength(1)
    forgetIn(3)
    expect(store.environments.find(id)).toBeUndefined()
    expect(store.boots.listOf(id)).toEqual([])
    expect((await refusalOf(admin().operations.list({ environment: id }))).code).toBe('not_found')
    expect(await admin().operations.list()).toEqual([])
    expect(await admin().environments.get({ environment: 'lasting' })).toMatchObject({ observed: { kind: 'running' } })
    expect(store.activity.list().some(({ environmentId }) => environmentId === id)).toBe(true)
  })

  it('keeps a destroyed environment of which a home may still be there', async () => {
    await wait((await admin().environments.spawn(spawnInput('passing'))).id)
    const { id, home } = await admin().environments.get({ environment: 'passing' })
    await destroy('passing')
    db.run('UPDATE homes SET removed_at = NULL WHERE id = @id', { id: home.id })
    forgetIn(3)
    expect(store.environments.find(id)?.destroyedAt).not.toBeNull()
    expect(store.environments.homesOf(id)).toEqual([home.id])
  })

  it('forgets what was told of scratch homes that are gone, and none that may be there', async () => {
    await wait((await admin().environments.spawn(spawnInput('web'))).id)
    const { id: environmentId, home } = await admin().environments.get({ environment: 'web' })
    const { record } = store.boots.listOf(environmentId)[0]!
    const about = { environmentId, driver: 'fake', homeId: home.id, record, createdAt: 0 } as never
    const [gone, there] = ['op-00000000000000a1', 'op-00000000000000a2']
    db.transaction(() => {
      for (const operationId of [gone, there])
        store.scratchGuests.insert({ ...(about as object), operationId } as never)
      store.scratchGuests.setRemoved(gone as never, Date.now())
    })
    const left = () => db.all<{ id: string }>('SELECT operation_id AS id FROM scratch_guests').map(({ id }) => id)
    forgetIn(1)
    expect(left()).toEqual([gone, there])
    forgetIn(3)
    expect(left()).toEqual([there])
  })
})
