import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import {
  newCommandId,
  refusalOf,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import { waitFor } from '../support/wait-for.ts'

describe('a backup', () => {
  let host: FakeDriverDaemon
  const admin = () => host.as('admin')
  const command = (environment = 'web') => ({ commandId: newCommandId(), environment })
  const ended = ({ id }: Operation) => admin().operations.wait({ id, timeoutMs: 10_000 })
  const backUp = async () => ended(await admin().backups.now(command()))
  const points = (more: object = {}) => admin().backups.points({ environment: 'web', ...more })
  const status = async () => (await admin().backups.status({ environment: 'web' })).rows[0]!
  const get = () => admin().environments.get({ environment: 'web' })
  const outcomes = (action: string) =>
    host.activity().flatMap((entry) => (entry.action === action ? [entry.outcome] : []))
  const codeOf = async (call: Promise<unknown>) => (await refusalOf(call)).code
  /** Nothing that a backup uses is left. */
  const nothingIsLeft = async () => {
    expect(host.machine.views.ids()).toEqual([])
    expect((await get()).operationId).toBeNull()
    for (const store of host.repositories.stores.values()) expect(store.deadLocks).toBe(0)
  }
  const write = async (content: string) => {
    const { home } = await get()
    const is = host.machine.homes.get(home.id)!
    host.machine.homes.put(home.id, { ...is, content })
  }

  beforeEach(async () => {
    host = await startFakeDriverDaemon()
    await ended(await admin().environments.spawn(spawnInput('web')))
    await write('first')
  })
  afterEach(() => host.remove())

  it('makes a point that says where it comes from, and records it once', async () => {
    const done = await backUp()
    expect(done.status.kind).toBe('succeeded')
    const [point] = await points()
    const { home, image, id } = await get()
    expect(point).toMatchObject({ environmentId: id, homeId: home.id, image, hostName: 'test-host', hasListing: true })
    expect(point).toMatchObject({
      consistency: 'quiesced',
      unreadableCount: 0,
      operationId: done.id,
      forgottenAt: null,
    })
    expect(point!.tags).toEqual([
      'machine=test-host',
      `image=${image}`,
      `home=${home.id}`,
      'home-mib=1024',
      'consistency=quiesced',
      'quiesced=yes',
      'frozen-ms=1',
      `operation=${done.id}`,
    ])
    expect(done.result).toMatchObject({ kind: 'backup', pointId: point!.id, bytes: point!.bytes, frozenMs: 1 })
    expect(outcomes('point.recorded')).toEqual(['succeeded'])
    expect(outcomes('backup')).toEqual(['accepted', 'succeeded'])
    expect(await status()).toMatchObject({
      freshness: { kind: 'healthy' },
      pointCount: 1,
      latest: { id: point!.id },
      lastAttempt: { outcome: 'succeeded', operationId: done.id, failure: null },
    })
    await nothingIsLeft()
  })

  it('has the same path each time, so that the point before is its parent', async () => {
    await backUp()
    await backUp()
    const { id } = await get()
    const paths = host.repositories.pointsOf(id).map(({ path }) => path)
    expect(paths).toHaveLength(2)
    expect(new Set(paths).size).toBe(1)
  })

  it('is made of a stopped, a failed and a lost environment too', async () => {
    await ended(await admin().environments.stop(command()))
    expect((await backUp()).status.kind).toBe('succeeded')
    await ended(await admin().environments.start(command()))
    host.machine.kill((await get()).boot!.id)
    await waitFor('the loss', async () => (await get()).observed.kind === 'lost')
    expect((await backUp()).status.kind).toBe('succeeded')
    expect(await points()).toHaveLength(2)
    await nothingIsLeft()
  })

  it('is refused without a home, with one that is gone, and in quarantine', async () => {
    host.driver.failNext('createHome', new Error('No.'))
    await ended(await admin().environments.spawn(spawnInput('bare')))
    expect(await codeOf(admin().backups.now(command('bare')))).toBe('wrong_state')
    const { home } = await get()
    host.machine.homes.delete(home.id)
    expect(await codeOf(admin().backups.now(command()))).toBe('home_gone')
    expect(await codeOf(admin().backups.now(command('nobody')))).toBe('not_found')
    expect(await points()).toEqual([])
  })

  it('fails clearly, and records no point, when its guest dies in the middle', async () => {
    const release = host.repositories.hold('backUp')
    const running = await admin().backups.now(command())
    await waitFor('the reading', () => host.repositories.calls.backUp === 1)
    host.machine.kill((await get()).boot!.id)
    release()
    const { status: told } = await ended(running)
    expect(told).toMatchObject({ kind: 'failed', failure: { code: 'guest_gone' } })
    expect(await points()).toEqual([])
    expect((await status()).lastAttempt).toMatchObject({ outcome: 'failed', failure: { code: 'guest_gone' } })
    expect(host.repositories.pointsOf((await get()).id)).toEqual([])
    await nothingIsLeft()
  })

  it('leaves what must not count in no repository, and says what it failed with where that cannot be forgotten', async () => {
    await backUp()
    const good = await points()
    const inRepository = async () => host.repositories.pointsOf((await get()).id).map(({ id }) => id)
    const failToRecord = async () => {
      host.repositories.failNext('sizeOf', new PilothouseError('repository_damaged', 'A pack is gone.'))
      return await backUp()
    }
    const damaged = { kind: 'failed', failure: { code: 'repository_damaged', message: 'A pack is gone.' } }
    expect((await failToRecord()).status).toMatchObject(damaged)
    expect(await inRepository()).toEqual(good.map(({ id }) => id))
    expect((await status()).freshness.sentence).toContain('A pack is gone.')
    host.repositories.failNext('forget', new Error('Not now.'))
    expect((await failToRecord()).status).toMatchObject(damaged)
    expect(outcomes('backup').filter((outcome) => outcome === 'rolled_back')).toHaveLength(2)
    expect(await inRepository()).toHaveLength(2)
    expect(await points()).toEqual(good)
    await nothingIsLeft()
  })

  it.each(['prepare', 'backUp', 'sizeOf'] as const)('records nothing when %s fails, and says why', async (action) => {
    host.repositories.failNext(action, new PilothouseError('repository_unreachable', 'Nobody is there.'))
    expect((await backUp()).status).toMatchObject({ kind: 'failed', failure: { code: 'repository_unreachable' } })
    expect(await points()).toEqual([])
    const { kind, sentence } = (await status()).freshness
    expect(kind).toBe('unavailable')
    expect(sentence).toMatch(/^At \d{4}-\d\d-\d\dT[\d:.]+Z: Nobody is there[.]$/)
    await nothingIsLeft()
    expect((await backUp()).status.kind).toBe('succeeded')
    expect((await status()).freshness.kind).toBe('healthy')
  })

  it('is good without its listing, which is made when it is asked for', async () => {
    host.repositories.failNext('listEntries', new PilothouseError('repository_unreachable', 'Nobody is there.'))
    expect((await backUp()).status.kind).toBe('succeeded')
    expect((await points())[0]).toMatchObject({ hasListing: false })
    const page = await admin().backups.browse({ environment: 'web', point: 'latest' })
    expect(page.entries.length).toBeGreaterThan(0)
    expect((await points())[0]).toMatchObject({ hasListing: true })
  })

  it('does not make a repository anew that holds points on record', async () => {
    await backUp()
    host.repositories.stores.clear()
    expect((await backUp()).status).toMatchObject({ kind: 'failed', failure: { code: 'repository_missing' } })
    expect(host.repositories.stores.size).toBe(0)
    expect((await status()).freshness.kind).toBe('unavailable')
  })

  it('removes the locks of dead owners where it is locked, and goes on', async () => {
    await backUp()
    host.repositories.failNext('backUp', new PilothouseError('repository_locked', 'Locked.'))
    for (const store of host.repositories.stores.values()) store.deadLocks = 1
    expect((await backUp()).status.kind).toBe('succeeded')
    host.repositories.failNext('backUp', new PilothouseError('repository_locked', 'Locked by someone alive.'))
    expect((await backUp()).status).toMatchObject({ kind: 'failed', failure: { code: 'repository_locked' } })
    await nothingIsLeft()
  })

  it('is one at a time for an environment, however many ask', async () => {
    const release = host.repositories.hold('backUp')
    const asked = await Promise.allSettled(Array.from({ length: 50 }, () => admin().backups.now(command())))
    const accepted = asked.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    expect(accepted).toHaveLength(1)
    expect(await codeOf(admin().backups.now(command()))).toBe('operation_in_flight')
    const again = { commandId: accepted[0]!.commandId, environment: 'web' }
    expect((await admin().backups.now(again)).id).toBe(accepted[0]!.id)
    release()
    expect((await ended(accepted[0]!)).status.kind).toBe('succeeded')
    expect(await points()).toHaveLength(1)
  })

  it.each(['openHomeView', 'openViewTree'] as const)('leaves nothing when it is cancelled in %s', async (action) => {
    const release = host.driver.hold(action)
    const before = host.driver.calls[action]
    const running = await admin().backups.now(command())
    await waitFor(action, () => host.driver.calls[action] > before)
    await admin().operations.cancel({ id: running.id })
    expect((await ended(running)).status.kind).toBe('cancelled')
    release()
    expect(await points()).toEqual([])
    expect((await status()).lastAttempt?.outcome).toBe('cancelled')
    await nothingIsLeft()
  })

  it.each(['prepare', 'backUp', 'sizeOf'] as const)('leaves nothing when it is cancelled in %s', async (action) => {
    const release = host.repositories.hold(action)
    const running = await admin().backups.now(command())
    await waitFor(action, () => host.repositories.calls[action] > 0)
    await admin().operations.cancel({ id: running.id })
    expect((await ended(running)).status.kind).toBe('cancelled')
    release()
    expect(await points()).toEqual([])
    await nothingIsLeft()
  })

  it('that has its point already is done when it is cancelled', async () => {
    const release = host.repositories.hold('listEntries')
    const running = await admin().backups.now(command())
    await waitFor('the listing', () => host.repositories.calls.listEntries > 0)
    await admin().operations.cancel({ id: running.id })
    expect((await ended(running)).status.kind).toBe('succeeded')
    release()
    expect((await points())[0]).toMatchObject({ hasListing: false })
    await nothingIsLeft()
  })

  it.each(['start', 'stop', 'recover', 'reboot', 'reset', 'destroy'] as const)('gives way to %s', async (kind) => {
    if (kind === 'start') await ended(await admin().environments.stop(command()))
    const release = host.repositories.hold('backUp')
    const running = await admin().backups.now(command())
    await waitFor('the reading', () => host.repositories.calls.backUp === 1)
    const { environments } = admin()
    let other: Operation
    if (kind === 'reset' || kind === 'destroy') {
      const { ticket } = await environments[kind].plan({ environment: 'web' })
      other = await environments[kind].run({ ...command(), ticket: ticket.id, confirmName: 'web' })
    } else other = await environments[kind](command())
    expect((await ended(other)).status.kind).toBe('succeeded')
    expect((await ended(running)).status.kind).toBe('cancelled')
    expect(outcomes('give_way')).toEqual(['accepted'])
    expect(host.machine.views.ids()).toEqual([])
    release()
  })

  it('races with a recover, 50 to one, and the recover wins', async () => {
    host.repositories.delayMs.backUp = 20
    const racing = Array.from({ length: 50 }, (_unused, index) =>
      index === 25 ? admin().environments.recover(command()) : admin().backups.now(command()),
    )
    const accepted = (await Promise.allSettled(racing)).flatMap((each) =>
      each.status === 'fulfilled' ? [each.value] : [],
    )
    const done = await Promise.all(accepted.map(ended))
    expect(done.find(({ kind }) => kind === 'recover')?.status.kind).toBe('succeeded')
    expect(host.machine.mostGuestsPerHome).toBe(1)
    await nothingIsLeft()
  })
})
