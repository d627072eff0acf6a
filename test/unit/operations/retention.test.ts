import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { forgetOldOperations } from '../../../host-daemon/operations/retention.ts'
import { openDatabase, type Database } from '../../../host-daemon/store/database.ts'
import { createStore, type Store } from '../../../host-daemon/store/store.ts'
import { ClockLeaps } from '../../../host-daemon/system/clock-leaps.ts'
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
  const forgetIn = (days: number) => {
    const clock = new ManualClock(Date.now())
    const options = { store, leaps: new ClockLeaps(clock), keepMs: 2 * DAY_MS }
    forgetOldOperations(options)
    clock.advance(days * DAY_MS)
    forgetOldOperations(options)
  }
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

  it('forgets nothing by a clock that was set ahead, before there was time to set it right', async () => {
    await wait((await admin().environments.spawn(spawnInput('web'))).id)
    const clock = new ManualClock(Date.now())
    const options = { store, leaps: new ClockLeaps(clock), keepMs: 2 * DAY_MS }
    const forget = () => {
      forgetOldOperations(options)
      return store.operations.list({ limit: 9 }).length
    }
    // Nobody has seen those days pass either.
    clock.set(31 * DAY_MS)
    expect(forget()).toBe(1)
    clock.set(-31 * DAY_MS)
    clock.advance(DAY_MS / 24)
    expect(forget()).toBe(1)
    clock.set(31 * DAY_MS)
    expect(forget()).toBe(1)
    clock.advance(DAY_MS / 24 - 1)
    expect(forget()).toBe(1)
    clock.advance(1)
    expect(forget()).toBe(0)
  })

  it('keeps the operation that a kept home names, for as long as its environment lives', async () => {
    await wait((await admin().environments.spawn(spawnInput('web'))).id)
    const { id: environmentId, home } = await admin().environments.get({ environment: 'web' })
    const { id: operationId } = store.operations.list({ limit: 1 })[0]!
    const kept = { homeId: home.id, environmentId, operationId, purpose: 'undo', keptAt: 0, until: 1 } as const
    db.transaction(() => store.keptHomes.keep({ ...kept, bytes: null, isProved: false }))
    forgetIn(3)
    expect(store.operations.find(operationId)).toBeDefined()
    await destroy('web')
    forgetIn(3)
    expect(store.operations.list({ limit: 9 })).toEqual([])
    expect(store.environments.find(environmentId)).toBeUndefined()
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
