import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { TAKING_MS } from '../../host-daemon/backups/adopt-points.ts'
import { Database } from '../../host-daemon/store/database.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { EnvironmentId, RecoveryPointId } from '../../src-shared/model/ids.ts'
import type { RecoveryPoint } from '../../src-shared/model/recovery-point.ts'
import { newCommandId, refusalOf, startFakeDriverDaemon, type FakeDriverDaemon } from '../support/fake-driver-daemon.ts'
import type { FakePoint } from '../support/fake-point-repository.ts'
import { endOf, filesIn, IDENTITY, makePoint, SOURCE_FILES } from '../support/point-bench.ts'

/** Time that passes as told, beside the real one. */
class HurriedClock extends SystemClock {
  aheadMs = 0
  override monotonicMs(): number {
    return super.monotonicMs() + this.aheadMs
  }
}

const UNKNOWN = { addedBytes: null, durationMs: null, unreadableCount: null, hasListing: false }

let lost: FakeDriverDaemon
let host: FakeDriverDaemon
let clock: HurriedClock
let point: RecoveryPoint
let environment: EnvironmentId
const admin = () => host.as('admin')
const adopt = (of = environment) => admin().backups.adopt({ environment: of })
const points = (of = environment) => admin().backups.points({ environment: of })
const inRepository = () => host.repositories.stores.get(host.repositories.of(environment).location)!.points
const backUp = async (on: FakeDriverDaemon) =>
  endOf(on, await on.as('admin').backups.now({ commandId: newCommandId(), environment: 'web' }))
const add = (change: Partial<FakePoint>): RecoveryPointId => {
  const [first] = inRepository()
  const id = (inRepository().length + 0xa0).toString(16).padStart(64, '0') as RecoveryPointId
  inRepository().push({ ...first!, id, takenAt: first!.takenAt + inRepository().length, ...change })
  return id
}
const said = (action: string) =>
  host
    .activity()
    .filter((entry) => entry.action === action)
    .map(({ outcome, detail }) => [outcome, detail])

beforeEach(async () => {
  lost = await startFakeDriverDaemon()
  point = await makePoint(lost)
  environment = point.environmentId
  clock = new HurriedClock()
  host = await startFakeDriverDaemon({ repositories: lost.repositories, clock, options: { hostName: 'next-host' } })
})
afterEach(async () => {
  vi.restoreAllMocks()
  await host.remove()
  await lost.remove()
})

describe('points of a host that is lost', () => {
  it('are nowhere before, and on record afterwards with the machine that made them', async () => {
    expect((await refusalOf(points())).code).toBe('not_found')
    await backUp(lost)
    expect(await adopt()).toMatchObject({ environmentId: environment, taken: 2, known: 0, left: 0, passedOver: [] })
    const made = await lost.as('admin').backups.points({ environment })
    expect(await points()).toEqual(made.map((one) => ({ ...one, ...UNKNOWN })))
    expect((await points())[0]).toMatchObject({ hostName: 'test-host', homeMiB: point.homeMiB })
  })

  it('are taken once, however often and by however many that is asked', async () => {
    const before = host.repositories.calls.sizeOf
    const release = host.repositories.hold('sizeOf')
    const asked = [adopt(), adopt(), adopt()]
    await expect.poll(() => host.repositories.calls.sizeOf).toBe(before + 3)
    release()
    const counts = (await Promise.all(asked)).map(({ taken, known }) => [taken, known])
    expect(counts.toSorted()).toEqual([
      [0, 1],
      [0, 1],
      [1, 0],
    ])
    expect(await adopt()).toMatchObject({ taken: 0, known: 1 })
    expect(said('point.adopted')).toHaveLength(1)
  })

  it('that somebody removed since are on record as gone, and listed no more once all are', async () => {
    await backUp(lost)
    await adopt()
    const [newest] = await points()
    host.repositories.forget(point.id)
    expect(await adopt()).toMatchObject({ taken: 0, known: 1, gone: 1 })
    expect((await points()).map(({ id }) => id)).toEqual([newest!.id])
    expect(said('point.forgotten')).toEqual([['noticed', { pointId: point.id, takenAt: point.takenAt }]])
    host.repositories.forget(newest!.id)
    expect(await adopt()).toMatchObject({ known: 0, gone: 1 })
    expect((await admin().backups.orphaned()).environments).toEqual([])
  })

  it('become an environment again, of the image and the size that they say', async () => {
    await adopt()
    const wish = { commandId: newCommandId(), environment, point: 'latest', name: 'again', owner: 'local' }
    const done = await endOf(host, await admin().clone(wish))
    expect(done.status.kind).toBe('succeeded')
    const again = await admin().environments.get({ environment: 'again' })
    expect(again).toMatchObject({ image: 'minimal@1', size: { homeMiB: point.homeMiB } })
    const kept = Object.fromEntries(Object.entries(SOURCE_FILES).filter(([path]) => !IDENTITY.includes(`/${path}`)))
    expect(filesIn(host, again.home.id)).toEqual(kept)
  })

  it('can be looked into and compared, and count for no environment', async () => {
    await backUp(lost)
    await adopt()
    const { entries } = await admin().backups.browse({ environment, point: 'latest', folder: '/data' })
    expect(entries.map(({ path }) => path)).toContain('/data/report.txt')
    const [newest, older] = await points()
    const compared = await admin().backups.compare({ environment, from: older!.id, to: newest!.id })
    expect(compared.changes).toEqual([])
    expect((await admin().backups.status()).rows).toEqual([])
    expect((await admin().backups.orphaned()).environments).toEqual([
      {
        environmentId: environment,
        environmentName: null,
        destroyedAt: null,
        pointCount: 2,
        newestTakenAt: newest!.takenAt,
      },
    ])
  })

  it('that do not say the size of their home get one that they fit into', async () => {
    inRepository()[0] = { ...inRepository()[0]!, tags: point.tags.filter((tag) => !tag.startsWith('home-mib=')) }
    await adopt()
    const [taken] = await points()
    expect(taken!.homeMiB * 1024 * 1024).toBeGreaterThan(taken!.bytes)
    expect(taken!.homeMiB).toBeLessThan(point.homeMiB)
  })

  it('are told in activity: asked for, each one, and what came of it', async () => {
    add({ tags: [] })
    await adopt()
    const { location } = host.repositories.of(environment)
    expect(said('backup.adopt')).toEqual([
      ['requested', { repository: location }],
      ['succeeded', { taken: 1, known: 0, gone: 0, left: 0, passedOver: 1 }],
    ])
    expect(said('point.adopted')).toEqual([
      ['succeeded', { pointId: point.id, takenAt: point.takenAt, hostName: 'test-host' }],
    ])
  })
})

describe('what is passed over, and why', () => {
  const tagged = (change: (tag: string) => string) => point.tags.map(change)
  const cases: [string, () => Partial<FakePoint>, RegExp][] = [
    ['another path', () => ({ path: '/home/somebody' }), /host and path/],
    ['several paths', () => ({ path: '' }), /host and path/],
    ['a relative path', () => ({ path: `rooms/${environment}/home` }), /host and path/],
    ['no tags', () => ({ tags: [] }), /tags/],
    ['tags said twice', () => ({ tags: [...point.tags, 'machine=other'] }), /tags/],
    ['a malformed home', () => ({ tags: tagged((tag) => tag.replace(/^home=.*/, 'home=../../x')) }), /tags/],
    ['a malformed size', () => ({ tags: tagged((tag) => tag.replace(/^home-mib=.*/, 'home-mib=1e9')) }), /tags/],
    [
      'a size beyond all',
      () => ({ tags: tagged((tag) => tag.replace(/^home-mib=.*/, 'home-mib=9999999999')) }),
      /tags/,
    ],
    ['a hostile machine', () => ({ tags: tagged((tag) => tag.replace(/^machine=.*/, 'machine=\u202eevil')) }), /tags/],
    ['a time before all', () => ({ takenAt: -1 }), /malformed/],
  ]
  it.each(cases)('%s', async (_what, change, why) => {
    const id = add(change())
    const adopted = await adopt()
    expect(adopted).toMatchObject({ taken: 1, passedOverCount: 1, passedOver: [{ pointId: id }] })
    expect(adopted.passedOver[0]!.why).toMatch(why)
    expect((await points()).map((one) => one.id)).toEqual([point.id])
  })

  it('a point of another environment in a shared repository', async () => {
    add({ environment: 'env-0000ffff' })
    expect(await adopt()).toMatchObject({ taken: 1, passedOverCount: 0 })
  })

  it('a point that is damaged or gone or cannot be walked, and no other', async () => {
    for (let count = 0; count < 3; count += 1) add({})
    host.repositories.failNext('sizeOf', new PilothouseError('repository_damaged', 'A tree cannot be read.'))
    host.repositories.failNext('sizeOf', new PilothouseError('no_recovery_point', 'It is gone.'))
    host.repositories.failNext('sizeOf', new PilothouseError('engine_failed', 'A folder has no tree.'))
    const adopted = await adopt()
    expect(adopted).toMatchObject({ taken: 1, passedOverCount: 3 })
    const whys = ['A tree cannot be read.', 'It is gone.', 'A folder has no tree.']
    expect(adopted.passedOver.map(({ why }) => why)).toEqual(whys)
    expect(await adopt()).toMatchObject({ taken: 3, known: 1 })
  })
})

describe('what this host knows better', () => {
  beforeEach(async () => {
    await host.remove()
    host = await lost.restart()
  })

  it('stays as it is', async () => {
    expect(await adopt()).toMatchObject({ taken: 0, known: 1 })
    expect(await points()).toEqual([point])
  })

  it('is joined by what was made since its record was copied', async () => {
    const id = add({ tags: point.tags.map((tag) => tag.replace(/^operation=.*/, 'operation=op-00000000000000ff')) })
    expect(await adopt()).toMatchObject({ taken: 1, known: 1 })
    expect((await points()).map((one) => one.id)).toEqual([id, point.id])
    expect((await admin().backups.status()).rows[0]).toMatchObject({ pointCount: 2, latest: { id } })
  })

  it('that damage was found on the way counts as found by a check', async () => {
    add({ tags: point.tags.map((tag) => tag.replace(/^operation=.*/, 'operation=op-00000000000000ff')) })
    host.repositories.failNext('sizeOf', new PilothouseError('repository_damaged', 'A tree cannot be read.'))
    expect(await adopt()).toMatchObject({ taken: 0, known: 1, passedOverCount: 1 })
    const [row] = (await admin().backups.status()).rows
    expect(row).toMatchObject({ lastCheck: { isSound: false }, freshness: { kind: 'unavailable' } })
  })

  it('a backup that runs, and one that came to nothing', async () => {
    const release = host.repositories.hold('sizeOf')
    const { id } = await admin().backups.now({ commandId: newCommandId(), environment: 'web' })
    await expect.poll(() => inRepository().length).toBe(2)
    expect((await adopt()).passedOver.map(({ why }) => why)).toEqual(['Its backup has not ended yet.'])
    host.repositories.failNext('forget', new Error('Not now.'))
    host.repositories.failNext('sizeOf', new Error('It cannot be measured.'))
    release()
    expect((await endOf(host, { id })).status.kind).toBe('failed')
    expect((await adopt()).passedOver.map(({ why }) => why)).toEqual([
      'By the record of this host, its backup came to nothing.',
    ])
  })

  it('a point that was gone is there again, with what is known of it', async () => {
    const kept = inRepository()
    const store = host.repositories.stores.get(host.repositories.of(environment).location)!
    store.points = []
    await endOf(host, await admin().backups.prune({ commandId: newCommandId(), environment: 'web' }))
    expect(await points()).toEqual([])
    store.points = kept
    expect(await adopt()).toMatchObject({ taken: 1, known: 0 })
    expect(await points()).toEqual([{ ...point, hasListing: false }])
    expect((await admin().backups.status()).rows[0]).toMatchObject({ pointCount: 1 })
  })
})

it('takes points that were away back in one commit, however many', async () => {
  for (let count = 0; count < 100; count += 1) add({})
  await adopt()
  const store = host.repositories.stores.get(host.repositories.of(environment).location)!
  const there = store.points
  store.points = []
  expect(await adopt()).toMatchObject({ gone: 101 })
  store.points = there
  const commits = vi.spyOn(Database.prototype, 'transaction')
  expect(await adopt()).toMatchObject({ taken: 101, gone: 0 })
  expect(commits.mock.calls.length).toBeLessThan(50)
  expect(said('point.adopted')).toHaveLength(202)
})

describe('a repository that does not serve', () => {
  it('is not made where it is missing, and the record says that it failed', async () => {
    const nobody = 'env-00ff00ff' as EnvironmentId
    expect((await refusalOf(adopt(nobody))).code).toBe('repository_missing')
    expect(host.repositories.calls.prepare).toBe(1)
    expect(said('backup.adopt').map(([outcome]) => outcome)).toEqual(['requested', 'failed'])
    expect((await admin().backups.orphaned()).environments).toEqual([])
  })

  it('keeps what was taken before it failed', async () => {
    add({})
    add({})
    const gone = new PilothouseError('repository_unreachable', 'There is no route.')
    host.repositories.failNext('sizeOf', gone, { after: 1 })
    expect((await refusalOf(adopt())).code).toBe('repository_unreachable')
    expect(await points()).toHaveLength(1)
    expect(said('backup.adopt').at(-1)).toEqual(['failed', expect.objectContaining({ taken: 1 })])
    expect(await adopt()).toMatchObject({ taken: 2, known: 1 })
  })

  it('is said to fail where its engine stops in the middle, and no point is passed over for that', async () => {
    for (let count = 0; count < 3; count += 1) add({})
    host.repositories.failNext('sizeOf', new PilothouseError('engine_failed', 'The engine is gone.'), { after: 1 })
    host.repositories.failNext('list', new PilothouseError('engine_failed', 'It is gone still.'), { after: 1 })
    const before = host.repositories.calls.sizeOf
    expect(await refusalOf(adopt())).toMatchObject({ code: 'engine_failed', message: 'It is gone still.' })
    expect(host.repositories.calls.sizeOf).toBe(before + 2)
    expect(said('backup.adopt').at(-1)).toEqual(['failed', expect.objectContaining({ taken: 1 })])
    expect(await adopt()).toMatchObject({ taken: 3, known: 1, passedOverCount: 0 })
  })

  it('is said to fail where its engine can walk none of several, unless others are on record', async () => {
    add({})
    const failBoth = () => {
      for (const word of ['No.', 'Neither.'])
        host.repositories.failNext('sizeOf', new PilothouseError('engine_failed', word))
    }
    failBoth()
    expect(await refusalOf(adopt())).toMatchObject({ code: 'engine_failed', message: 'Neither.' })
    expect(await adopt()).toMatchObject({ taken: 2 })
    for (let count = 0; count < 2; count += 1) add({})
    failBoth()
    expect(await adopt()).toMatchObject({ taken: 0, known: 2, passedOverCount: 2 })
  })

  it('is looked at again where a dead owner locked it, and what was gone still counts', async () => {
    await adopt()
    add({})
    host.repositories.forget(point.id)
    host.repositories.stores.get(host.repositories.of(environment).location)!.deadLocks = 1
    host.repositories.failNext('sizeOf', new PilothouseError('repository_locked', 'Somebody has it.'))
    expect(await adopt()).toMatchObject({ taken: 1, known: 0, gone: 1 })
  })

  it('is left where whoever asked gives it up, and the record says so', async () => {
    const before = host.repositories.calls.sizeOf
    const release = host.repositories.hold('sizeOf')
    const giveUp = new AbortController()
    const asked = admin().backups.adopt({ environment }, { signal: giveUp.signal })
    await expect.poll(() => host.repositories.calls.sizeOf).toBe(before + 1)
    giveUp.abort()
    await expect(asked).rejects.toThrow()
    release()
    const failed = ['failed', { code: 'cancelled', message: 'Whoever asked gave it up, or was cut off.', taken: 0 }]
    await expect.poll(() => said('backup.adopt').at(-1)).toEqual(failed)
  })

  it('is used for minutes at most: the rest is left, newest taken first', async () => {
    add({})
    const newest = add({})
    const before = host.repositories.calls.sizeOf
    const release = host.repositories.hold('sizeOf')
    const asked = adopt()
    await expect.poll(() => host.repositories.calls.sizeOf).toBe(before + 1)
    clock.aheadMs = TAKING_MS + 1
    release()
    expect(await asked).toMatchObject({ taken: 1, left: 2 })
    expect((await points()).map(({ id }) => id)).toEqual([newest])
    expect(await adopt()).toMatchObject({ taken: 2, known: 1, left: 0 })
  })
})

it('is an admin’s, and takes an id and nothing else', async () => {
  expect((await refusalOf(host.as('operator').backups.adopt({ environment }))).code).toBe('forbidden')
  for (const word of ['web', '../env-00000001', '-h', 'env-0000000g'])
    expect((await refusalOf(admin().backups.adopt({ environment: word }))).code).toBe('invalid_request')
  expect(said('backup.adopt')).toEqual([])
})

it('tells points whose environment was destroyed by their environment', async () => {
  const { ticket } = await lost.as('admin').environments.destroy.plan({ environment: 'web' })
  const destroy = { commandId: newCommandId(), environment: 'web', ticket: ticket.id, confirmName: 'web' }
  await endOf(lost, await lost.as('admin').environments.destroy.run(destroy))
  const { environments, unrecorded } = await lost.as('viewer').backups.orphaned()
  expect(environments).toMatchObject([{ environmentId: environment, environmentName: 'web', pointCount: 1 }])
  expect(environments[0]!.destroyedAt).not.toBeNull()
  expect(unrecorded).toEqual([])
  lost.repositories.isOnThisHost = false
  expect((await lost.as('viewer').backups.orphaned()).unrecorded).toBeNull()
})
