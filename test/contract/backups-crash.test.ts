import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { PilothouseError } from '../../src-shared/error.ts'
import { recoveryPointIdSchema, type RecoveryPointId } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import {
  newCommandId,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import type { FakeRepositoryAction } from '../support/fake-point-repository.ts'
import type { FakeAction } from '../support/fake-vm-driver.ts'
import { waitFor } from '../support/wait-for.ts'

describe('a daemon that dies during a backup', () => {
  let host: FakeDriverDaemon
  const admin = () => host.as('admin')
  const command = () => ({ commandId: newCommandId(), environment: 'web' })
  const ended = ({ id }: Pick<Operation, 'id'>) => admin().operations.wait({ id, timeoutMs: 10_000 })
  const points = () => admin().backups.points({ environment: 'web' })
  const get = () => admin().environments.get({ environment: 'web' })
  const outcomes = (action: string) =>
    host.activity().flatMap((entry) => (entry.action === action ? [entry.outcome] : []))

  beforeEach(async () => {
    host = await startFakeDriverDaemon()
    await ended(await admin().environments.spawn(spawnInput('web')))
  })
  afterEach(() => host.remove())

  async function nothingIsLeft(): Promise<void> {
    expect(host.machine.views.ids()).toEqual([])
    expect((await get()).operationId).toBeNull()
    for (const store of host.repositories.stores.values()) expect(store.deadLocks).toBe(0)
  }

  /** The operation, at the moment at which the daemon dies in that call. */
  async function dieIn(calls: Record<string, number>, action: string, begin = () => admin().backups.now(command())) {
    const before = calls[action] ?? 0
    const operation = await begin()
    await waitFor(action, () => (calls[action] ?? 0) > before)
    for (const store of host.repositories.stores.values()) store.deadLocks = 1
    host = await host.crash()
    return operation
  }

  it.each<FakeRepositoryAction>(['prepare', 'backUp', 'sizeOf', 'listEntries'])(
    'in the repository, at %s, has one point in the end',
    async (action) => {
      const release = host.repositories.hold(action)
      setTimeout(release, 500)
      const operation = await dieIn(host.repositories.calls, action)
      release()
      expect((await ended(operation)).status.kind).toBe('succeeded')
      expect(await points()).toHaveLength(1)
      expect(outcomes('point.recorded')).toEqual(['succeeded'])
      expect((await points())[0]).toMatchObject({ operationId: operation.id, hasListing: true })
      await nothingIsLeft()
    },
  )

  it.each<FakeAction>(['openHomeView', 'openViewTree'])('while it opens the home, at %s, goes on', async (action) => {
    const release = host.driver.hold(action)
    setTimeout(release, 500)
    const operation = await dieIn(host.driver.calls, action)
    release()
    expect((await ended(operation)).status.kind).toBe('succeeded')
    expect(await points()).toHaveLength(1)
    await nothingIsLeft()
  })

  it('has the one point on record that a daemon has heard of whole, and no other in the repository', async () => {
    const release = host.repositories.hold('sizeOf')
    setTimeout(release, 500)
    const operation = await dieIn(host.repositories.calls, 'sizeOf')
    const { id } = await get()
    const [unheard] = host.repositories.pointsOf(id)
    release()
    await ended(operation)
    const made = host.repositories.pointsOf(id)
    expect(made.map((point) => point.id)).toEqual((await points()).map((point) => point.id))
    expect(made.map((point) => point.id)).not.toContain(unheard!.id)
    expect((await points())[0]).toMatchObject({ consistency: 'quiesced', homeId: (await get()).home.id })
    expect((await admin().operations.get({ id: operation.id })).result).toMatchObject({ kind: 'backup', frozenMs: 1 })
  })

  it('right behind its record, keeps that point and makes no other', async () => {
    const release = host.repositories.hold('listEntries')
    const operation = await admin().backups.now(command())
    await waitFor('the listing', () => host.repositories.calls.listEntries > 0)
    const [recorded] = await points()
    // As it is between the record and the end of the step that made it.
    const backToTheStep = (folder: string) => {
      const db = new BetterSqlite3(join(folder, 'pilothoused.db'))
      db.prepare("UPDATE operations SET step = 'back_up', step_index = step_index - 1 WHERE id = ?").run(operation.id)
      db.close()
    }
    host = await host.crash({ arrange: (_driver, folder) => backToTheStep(folder) })
    release()
    await ended(operation)
    expect((await points()).map(({ id }) => id)).toEqual([recorded!.id])
    expect(host.repositories.calls.backUp).toBe(1)
    expect(outcomes('point.recorded')).toEqual(['succeeded'])
  })

  const inRepository = async () => host.repositories.pointsOf((await get()).id).map(({ id }) => id)

  /** A backup at whose reading the daemon died, and the point that was made of it all the same. */
  async function dieUnheard(begin?: () => Promise<Operation>): Promise<[Operation, RecoveryPointId]> {
    const release = host.repositories.hold('backUp')
    setTimeout(release, 500)
    const operation = await dieIn(host.repositories.calls, 'backUp', begin)
    const { id: environment } = await get()
    const id = recoveryPointIdSchema.parse('ab'.repeat(32))
    const point = { id, takenAt: 1, environment, path: '/', tags: [`operation=${operation.id}`], entries: [] }
    for (const store of host.repositories.stores.values()) store.points.push(point)
    release()
    return [operation, id]
  }

  it('takes no point of which it is not known whether the view was whole, but makes it anew', async () => {
    await ended(await admin().backups.now(command()))
    const [operation, unheard] = await dieUnheard()
    expect((await ended(operation)).status.kind).toBe('succeeded')
    const recorded = (await points()).map(({ id }) => id)
    expect(recorded).toHaveLength(2)
    expect(new Set(await inRepository())).toEqual(new Set(recorded))
    expect(recorded).not.toContain(unheard)
    await nothingIsLeft()
  })

  it('fails clearly where such a point cannot be forgotten', async () => {
    host.repositories.failNext('forget', new PilothouseError('repository_unreachable', 'Nobody is there.'))
    const [operation] = await dieUnheard()
    const { status } = await ended(operation)
    expect(status).toMatchObject({ kind: 'failed', failure: { code: 'repository_unreachable' } })
    expect(await points()).toEqual([])
    expect(await inRepository()).toEqual([])
    await nothingIsLeft()
  })

  it('and was told to cancel, leaves nothing', async () => {
    const release = host.repositories.hold('backUp')
    setTimeout(release, 500)
    const operation = await admin().backups.now(command())
    await waitFor('the reading', () => host.repositories.calls.backUp === 1)
    const cancelling = admin().operations.cancel({ id: operation.id })
    host = await host.crash()
    await cancelling
    release()
    expect(['cancelled', 'succeeded']).toContain((await ended(operation)).status.kind)
    await nothingIsLeft()
  })

  it('as often as three times gives it up, and says so', async () => {
    let operation: Operation | undefined
    for (let times = 0; times < 4; times += 1) {
      const release = host.repositories.hold('backUp')
      const before = host.repositories.calls.backUp
      operation ??= await admin().backups.now(command())
      await waitFor('the reading', () => host.repositories.calls.backUp > before)
      host = await host.crash()
      release()
    }
    expect((await ended(operation!)).status).toMatchObject({ kind: 'failed' })
    const [row] = (await admin().backups.status({ environment: 'web' })).rows
    expect(row!.lastAttempt?.outcome).toBe('failed')
    await nothingIsLeft()
  })

  it.each(['prune', 'check'] as const)('during a %s, goes on with it', async (kind) => {
    await ended(await admin().backups.now(command()))
    const release = host.repositories.hold(kind)
    setTimeout(release, 500)
    const operation = await dieIn(host.repositories.calls, kind, () => admin().backups[kind](command()))
    release()
    expect((await ended(operation)).status.kind).toBe('succeeded')
    expect(await points()).toHaveLength(1)
    await nothingIsLeft()
  })

  it('after a prune forgot points, and before it said so, tells of them once', async () => {
    const last = { intervalMinutes: null, keep: { last: 1 }, freshnessMinutes: null, drillIntervalHours: null }
    await admin().backups.setPolicy({ environment: 'web', policy: last })
    for (let times = 0; times < 3; times += 1) await ended(await admin().backups.now(command()))
    const release = host.repositories.hold('list')
    setTimeout(release, 500)
    const operation = await dieIn(host.repositories.calls, 'list', () => admin().backups.prune(command()))
    release()
    expect((await ended(operation)).result).toEqual({ kind: 'prune', forgotten: 2, kept: 1 })
    expect(outcomes('point.forgotten')).toHaveLength(2)
    expect(await points()).toHaveLength(1)
  })
})
