import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DriverFailure } from '../../host-daemon/drivers/vm-driver.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { RecoveryPoint } from '../../src-shared/model/recovery-point.ts'
import { newCommandId, refusalOf, startFakeDriverDaemon, type FakeDriverDaemon } from '../support/fake-driver-daemon.ts'
import { momentsOf } from '../support/journal-moments.ts'
import { endOf, filesIn, IDENTITY, makePoint, SOURCE_FILES } from '../support/point-bench.ts'
import { waitFor } from '../support/wait-for.ts'

const QUIET = { observeIntervalMs: 50, letGoMs: 50 }

describe('a clone', () => {
  let host: FakeDriverDaemon
  let point: RecoveryPoint
  const admin = () => host.as('admin')
  const cloneInput = (more: object = {}) => ({
    commandId: newCommandId(),
    environment: 'web',
    point: 'latest',
    name: 'twin',
    owner: 'local',
    ...more,
  })
  const clone = (more: object = {}) => admin().clone(cloneInput(more))
  const codeOf = async (call: Promise<unknown>) => (await refusalOf(call)).code
  const failureOf = (operation: Operation) =>
    operation.status.kind === 'failed' ? operation.status.failure : undefined
  const source = () => admin().environments.get({ environment: 'web' })
  const onlyTheSourceIsLeft = async () => {
    const { environments } = await admin().environments.list()
    expect(environments.map(({ name }) => name)).toEqual(['web'])
    expect(host.machine.homes.ids()).toEqual([(await source()).home.id])
    expect(host.machine.guests.ids()).toHaveLength(1)
  }

  beforeEach(async () => {
    host = await startFakeDriverDaemon({ options: QUIET })
    point = await makePoint(host)
  })
  afterEach(() => host.remove())

  it('runs with everything of the point but the identity of its source', async () => {
    const done = await endOf(host, await clone())
    expect(done.status.kind).toBe('succeeded')
    const twin = await admin().environments.get({ environment: 'twin' })
    const { id: sourceId, size } = await source()
    expect(done).toMatchObject({ kind: 'clone', environmentId: twin.id, phase: 'ready' })
    expect(done.result).toMatchObject({ kind: 'clone', pointId: point.id, sourceId, removedIdentity: IDENTITY })
    expect(twin).toMatchObject({ size, image: 'minimal@1', observed: { kind: 'running' }, labels: { tier: 'gold' } })
    const kept = Object.fromEntries(Object.entries(SOURCE_FILES).filter(([path]) => !IDENTITY.includes(`/${path}`)))
    expect(filesIn(host, twin.home.id)).toEqual(kept)
    expect(filesIn(host, (await source()).home.id)).toEqual(SOURCE_FILES)
    const boots = host.machine.guests.ids().map((id) => host.machine.guests.get(id)!)
    const guest = boots.find(({ homeId }) => homeId === twin.home.id)
    expect(guest?.startup).toMatchObject({ command: 'serve' })
    expect(guest?.environmentId).not.toBe(sourceId)
  })

  it('can be made of a destroyed environment by its id, and of no name that is gone', async () => {
    const { id } = await source()
    const { ticket } = await admin().environments.destroy.plan({ environment: 'web' })
    const destroy = { commandId: newCommandId(), environment: 'web', ticket: ticket.id, confirmName: 'web' }
    await endOf(host, await admin().environments.destroy.run(destroy))
    expect(await codeOf(clone())).toBe('not_found')
    const done = await endOf(host, await clone({ environment: id }))
    expect(done.status.kind).toBe('succeeded')
    const twin = await admin().environments.get({ environment: 'twin' })
    expect(filesIn(host, twin.home.id)['data/report.txt']).toBe('quarterly figures')
  })

  it('is refused by limits and names before anything is made, and the refusal is on record', async () => {
    expect(await codeOf(clone({ owner: 'stranger' }))).toBe('owner_not_allowed')
    expect(await codeOf(clone({ name: 'web' }))).toBe('name_taken')
    expect(await codeOf(clone({ image: 'absent@1' }))).toBe('not_found')
    expect(await codeOf(clone({ point: 'ab'.repeat(32) }))).toBe('no_recovery_point')
    expect(await codeOf(clone({ environment: 'nobody' }))).toBe('not_found')
    expect(await codeOf(host.as('operator').clone(cloneInput()))).toBe('forbidden')
    await onlyTheSourceIsLeft()
    const refused = host.activity().filter(({ action, outcome }) => action === 'clone' && outcome === 'refused')
    expect(refused.map(({ detail }) => detail['code'])).toEqual(['owner_not_allowed', 'name_taken'])
  })

  it('takes a size of its own, but none that the point does not fit into', async () => {
    expect((await refusalOf(clone({ size: { homeMiB: 16 } }))).message).toContain('must be at least')
  })

  it('has one of many with the same name', async () => {
    const asked = await Promise.allSettled(Array.from({ length: 5 }, () => clone()))
    expect(asked.filter(({ status }) => status === 'fulfilled')).toHaveLength(1)
    for (const one of asked) if (one.status === 'fulfilled') await endOf(host, one.value)
    expect((await admin().environments.list()).environments).toHaveLength(2)
  })

  it('answers a retry with the same operation', async () => {
    const input = cloneInput()
    const first = await admin().clone(input)
    expect((await admin().clone(input)).id).toBe(first.id)
    await endOf(host, first)
  })

  const failures = [
    ['repository', 'repository_unreachable'],
    ['verification', 'engine_failed'],
    ['guest', 'engine_failed'],
    ['disk', 'host_limit_reached'],
    ['point', 'no_recovery_point'],
  ] as const
  it.each(failures)('leaves nothing where the %s fails', async (what, code) => {
    const refuse = new PilothouseError('repository_unreachable', 'There is no route.')
    if (what === 'repository') host.repositories.failNext('fill', refuse)
    if (what === 'verification')
      host.driver.failNext('verifyHome', new DriverFailure('disk_failed', 'It is not sound.'))
    if (what === 'guest') host.driver.failNext('ready', new DriverFailure('guest_exited', 'So.'))
    if (what === 'disk') host.driver.freeBytes = 0
    if (what === 'point') host.repositories.forget(point.id)
    const done = await endOf(host, await clone())
    expect(failureOf(done)?.code).toBe(code)
    await onlyTheSourceIsLeft()
    const [status] = (await admin().backups.status({ environment: 'web' })).rows
    expect(status!.freshness.kind === 'unavailable').toBe(what === 'repository')
  })

  it('leaves nothing where files went missing on the way', async () => {
    const store = host.repositories.stores.get(`${host.repositories.base}/${(await source()).id}`)!
    store.points = store.points.map((one) => ({ ...one, entries: one.entries.slice(0, -1) }))
    expect(failureOf(await endOf(host, await clone()))?.message).toContain('arrived')
    await onlyTheSourceIsLeft()
  })

  it.each(['fill', 'ready'] as const)('leaves nothing where it is cancelled at %s', async (where) => {
    const release = where === 'fill' ? host.repositories.hold('fill') : host.driver.hold('ready')
    const { id } = await clone()
    const step = where === 'fill' ? 'restore' : 'await_ready'
    await waitFor(step, async () => (await admin().operations.get({ id })).step === step)
    await admin().operations.cancel({ id })
    expect((await endOf(host, { id })).status.kind).toBe('cancelled')
    release()
    await onlyTheSourceIsLeft()
  })

  it('clears a dead lock that is in the way, and only then', async () => {
    host.repositories.stores.get(`${host.repositories.base}/${(await source()).id}`)!.deadLocks = 1
    host.repositories.failNext('fill', new PilothouseError('repository_locked', 'Somebody else has it.'))
    expect((await endOf(host, await clone())).status.kind).toBe('succeeded')
    host.repositories.failNext('fill', new PilothouseError('repository_locked', 'Somebody else has it.'))
    expect(failureOf(await endOf(host, await clone({ name: 'third' })))?.code).toBe('repository_locked')
  })

  it.each(['succeeds', 'fails'] as const)(
    'that %s leaves a whole environment or nothing, whenever the daemon is killed',
    async (way) => {
      if (way === 'fails') host.driver.failNext('ready', new DriverFailure('guest_exited', 'So.'))
      const { repositories } = host
      const moments = await momentsOf(host, async () => endOf(host, await clone()))
      expect(moments.length).toBeGreaterThan(6)
      await host.stop()
      for (const { at, folder, machine } of moments) {
        const next = await startFakeDriverDaemon({ folder, machine, repositories, options: QUIET })
        try {
          for (const running of await next.as('admin').operations.list({ isRunning: true })) await endOf(next, running)
          const { environments } = await next.as('admin').environments.list()
          expect(machine.homes.ids().sort(), at).toEqual(environments.map(({ home }) => home.id).sort())
          expect(machine.guests.ids(), at).toHaveLength(environments.length)
          for (const { home, operationId } of environments) {
            expect(operationId, at).toBeNull()
            expect(machine.homes.get(home.id)?.files?.['data/old/report.txt'], at).toBe('older figures')
          }
          const twin = environments.find(({ name }) => name === 'twin')
          // Nothing failed but the daemon: the next one goes on.
          if (way === 'succeeds') expect(twin, at).toBeDefined()
          if (twin !== undefined) expect(filesIn(next, twin.home.id)['.machine-id'], at).toBeUndefined()
        } finally {
          await next.stop()
          await rm(folder, { recursive: true, force: true })
        }
      }
    },
    60_000,
  )
})
