import { rm } from 'node:fs/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DriverFailure } from '../../host-daemon/drivers/vm-driver.ts'
import { HASH_SCRIPT } from '../../host-daemon/restores/drill-guest.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import { DEFAULT_DEADLINES } from '../../host-daemon/daemon-options.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { RecoveryPoint } from '../../src-shared/model/recovery-point.ts'
import { newCommandId, refusalOf, startFakeDriverDaemon, type FakeDriverDaemon } from '../support/fake-driver-daemon.ts'
import { momentsOf } from '../support/journal-moments.ts'
import { answerAsTold, endOf, filesIn, IDENTITY, makePoint, SOURCE_FILES } from '../support/point-bench.ts'
import { waitFor } from '../support/wait-for.ts'

const QUIET = { observeIntervalMs: 50, letGoMs: 50 }
const TWIN = { name: 'twin', owner: 'local' }

describe('a drill', () => {
  let host: FakeDriverDaemon
  let point: RecoveryPoint
  const admin = () => host.as('admin')
  const drillInput = (more: object = {}) => ({
    commandId: newCommandId(),
    environment: 'web',
    point: 'latest',
    ...more,
  })
  const drill = (more: object = {}) => admin().drill(drillInput(more))
  const codeOf = async (call: Promise<unknown>) => (await refusalOf(call)).code
  const failureOf = (operation: Operation) =>
    operation.status.kind === 'failed' ? operation.status.failure : undefined
  const source = () => admin().environments.get({ environment: 'web' })
  const checksOf = ({ result }: Operation) =>
    result?.kind === 'drill' ? Object.fromEntries(result.checks.map((check) => [check.name, check.isPassed])) : {}
  const status = async () => (await admin().backups.status({ environment: 'web' })).rows[0]!
  const pointNow = async () => (await admin().backups.points({ environment: 'web' }))[0]!
  const noScratchIsLeft = async () => {
    const { environments } = await admin().environments.list()
    expect(host.machine.homes.ids().sort()).toEqual(environments.map(({ home }) => home.id).sort())
    const running = environments.filter(({ observed }) => observed.kind === 'running')
    expect(host.machine.guests.ids()).toHaveLength(running.length)
    expect((await admin().drift.list()).items).toEqual([])
  }
  const step = (id: Operation['id'], name: string) =>
    waitFor(name, async () => (await admin().operations.get({ id })).step === name)

  beforeEach(async () => {
    host = await startFakeDriverDaemon({ options: QUIET })
    host.driver.onProgram = answerAsTold
    point = await makePoint(host)
  })
  afterEach(() => host.remove())

  it('proves a point in a guest of its own, and leaves nothing but the proof', async () => {
    const release = host.driver.hold('runInGuest')
    const { id } = await host.as('operator').drill(drillInput())
    await step(id, 'check_guest')
    const guests = host.machine.guests.ids().map((boot) => host.machine.guests.get(boot)!)
    const scratch = guests.find(
      ({ homeId }) => host.machine.homes.get(homeId)?.files !== undefined && homeId !== point.homeId,
    )
    // What the customer's guest does at its start is done once, by that one.
    expect(scratch?.startup).toBeNull()
    expect((await admin().drift.list()).items).toEqual([])
    release()
    const done = await endOf(host, { id })
    expect(done.status.kind).toBe('succeeded')
    const all = ['restores', 'file system', 'boots', 'agent answers', 'entries', 'hashes']
    expect(checksOf(done)).toEqual(Object.fromEntries(all.map((name) => [name, true])))
    expect(done.result).toMatchObject({ kind: 'drill', pointId: point.id, isPassed: true, promotedTo: null })
    const { drilledAt, verifiedAt, hasPassedDrill } = await pointNow()
    expect([drilledAt, verifiedAt, hasPassedDrill]).toEqual([expect.any(Number), expect.any(Number), true])
    expect((await status()).lastDrill).toMatchObject({ isPassed: true, detail: 'All 6 checks passed.' })
    const told = host.activity().filter(({ action }) => action === 'drill')
    expect(told.map(({ outcome }) => outcome)).toEqual(['accepted', 'proved', 'succeeded'])
    expect((await source()).generation).toBe(1)
    await noScratchIsLeft()
  })

  it('fails, with every check on record, where a file of the guest is another than the point holds', async () => {
    host.driver.onProgram = (program, home) => {
      const answer = answerAsTold(program, home)
      if (program.args[1] !== HASH_SCRIPT) return answer
      return { stdout: Buffer.from(answer.stdout!.toString().replace(/^./, (digit) => (digit === '0' ? '1' : '0'))) }
    }
    const done = await endOf(host, await drill())
    expect(failureOf(done)).toMatchObject({ code: 'drill_failed' })
    expect(checksOf(done)).toMatchObject({ entries: true, hashes: false })
    expect(done.result).toMatchObject({ isPassed: false })
    expect(await pointNow()).toMatchObject({ hasPassedDrill: false, verifiedAt: null })
    expect((await status()).lastDrill).toMatchObject({ isPassed: false })
    const told = host.activity().filter(({ action }) => action === 'drill')
    expect(told.map(({ outcome }) => outcome)).toEqual(['accepted', 'disproved', 'rolled_back', 'failed'])
    await noScratchIsLeft()
  })

  const verdicts = [
    ['the repository is damaged', 'restores'],
    ['files do not arrive', 'file system'],
    ['the guest ends', 'boots'],
    ['its agent stays silent', 'boots'],
    ['files are missing in the guest', 'entries'],
    ['the guest cannot be asked', 'entries'],
  ] as const
  it.each(verdicts)('fails where %s', async (what, check) => {
    if (what === 'the repository is damaged')
      host.repositories.failNext('fill', new PilothouseError('repository_damaged', 'A pack is gone.'))
    if (what === 'the guest ends') host.driver.failNext('ready', new DriverFailure('guest_exited', 'So.'))
    if (what === 'its agent stays silent') host.driver.failNext('ready', new DriverFailure('agent_timeout', 'So.'))
    if (what === 'files do not arrive') {
      const store = host.repositories.stores.get(`${host.repositories.base}/${(await source()).id}`)!
      store.points = store.points.map((one) => ({ ...one, entries: one.entries.slice(0, -1) }))
    }
    if (what === 'files are missing in the guest')
      host.driver.onProgram = (program, home) => answerAsTold(program, { ...home, files: { 'data/report.txt': 'x' } })
    if (what === 'the guest cannot be asked')
      host.driver.failNext('runInGuest', new PilothouseError('guest_gone', 'It has just ended.'))
    const done = await endOf(host, await drill())
    expect(failureOf(done)).toMatchObject({ code: 'drill_failed' })
    expect(checksOf(done)).toMatchObject({ [check]: false })
    expect(await pointNow()).toMatchObject({ hasPassedDrill: false })
    await noScratchIsLeft()
  })

  const troubles = [
    ['the repository cannot be reached', 'repository_unreachable'],
    ['the password is wrong', 'wrong_password'],
    ['the host cannot start a guest', 'engine_failed'],
    ['the disk is full', 'host_limit_reached'],
  ] as const
  it.each(troubles)('says nothing of the point where %s', async (what, code) => {
    if (what === 'the host cannot start a guest')
      host.driver.failNext('startGuest', new DriverFailure('hypervisor_failed', 'So.'))
    else if (what === 'the disk is full') host.driver.freeBytes = 0
    else host.repositories.failNext('fill', new PilothouseError(code, 'So it is.'))
    const done = await endOf(host, await drill())
    expect(failureOf(done)).toMatchObject({ code })
    expect(await pointNow()).toMatchObject({ hasPassedDrill: null, drilledAt: null })
    expect((await status()).lastDrill).toBeNull()
    await noScratchIsLeft()
  })

  it('is kept as a stopped environment with an identity of its own, where an admin wants that', async () => {
    const done = await endOf(host, await drill({ promoteTo: TWIN }))
    expect(done.status.kind).toBe('succeeded')
    const twin = await admin().environments.get({ environment: 'twin' })
    expect(done.result).toMatchObject({ isPassed: true, promotedTo: twin.id })
    expect(twin).toMatchObject({ desired: 'stopped', observed: { kind: 'stopped' }, labels: { tier: 'gold' } })
    const kept = Object.fromEntries(Object.entries(SOURCE_FILES).filter(([path]) => !IDENTITY.includes(`/${path}`)))
    expect(filesIn(host, twin.home.id)).toEqual(kept)
    await noScratchIsLeft()
    await endOf(host, await admin().environments.start({ commandId: newCommandId(), environment: 'twin' }))
    expect(await admin().environments.get({ environment: 'twin' })).toMatchObject({ observed: { kind: 'running' } })
  })

  it('keeps nothing for whoever may not have it', async () => {
    expect(await codeOf(host.as('operator').drill(drillInput({ promoteTo: TWIN })))).toBe('forbidden')
    expect(await codeOf(host.as('viewer').drill(drillInput()))).toBe('forbidden')
    expect(await codeOf(drill({ promoteTo: { ...TWIN, owner: 'stranger' } }))).toBe('owner_not_allowed')
    expect(await codeOf(drill({ promoteTo: { ...TWIN, name: 'web' } }))).toBe('name_taken')
    expect(await codeOf(drill({ point: 'ab'.repeat(32) }))).toBe('no_recovery_point')
    await noScratchIsLeft()
  })

  it('keeps nothing where the name was taken while it ran, and has proved the point all the same', async () => {
    const release = host.driver.hold('runInGuest')
    const { id } = await drill({ promoteTo: TWIN })
    await step(id, 'check_guest')
    await admin().environments.rename({ environment: 'web', name: 'twin' })
    release()
    const done = await endOf(host, { id })
    expect(failureOf(done)).toMatchObject({ code: 'name_taken' })
    expect(done.result).toMatchObject({ isPassed: true, promotedTo: null })
    const { environments } = await admin().environments.list()
    expect(environments).toHaveLength(1)
    expect(host.machine.homes.ids()).toEqual([environments[0]!.home.id])
  })

  it('is refused where the host has not the memory for one more guest', async () => {
    host = await host.restart({
      options: { ...QUIET, capacity: { environments: null, memoryMiB: 600, homeMiB: null } },
    })
    expect(await codeOf(drill())).toBe('host_limit_reached')
  })

  it('waits for its turn among backups, checks and drills', async () => {
    const release = host.repositories.hold('fill')
    const asked = [await drill(), await drill(), await drill()]
    await step(asked[0]!.id, 'restore')
    await step(asked[1]!.id, 'restore')
    expect(await admin().operations.get({ id: asked[2]!.id })).toMatchObject({
      step: 'await_slot',
      isCancellable: true,
    })
    release()
    for (const one of asked) expect((await endOf(host, one)).status.kind).toBe('succeeded')
    await noScratchIsLeft()
  })

  it("waits for its turn however long, which is nobody's failure", async () => {
    const options = { ...QUIET, deadlines: { ...DEFAULT_DEADLINES, queueMs: 1 } }
    host = await host.restart({ options, arrange: (driver) => (driver.onProgram = answerAsTold) })
    const release = host.repositories.hold('fill')
    const asked = [await drill(), await drill(), await drill()]
    for (const one of asked.slice(0, 2)) await step(one.id, 'restore')
    await step(asked[2]!.id, 'await_slot')
    const waited = await admin().operations.wait({ id: asked[2]!.id, timeoutMs: 100 })
    expect(waited.status).toMatchObject({ kind: 'running' })
    release()
    for (const one of asked) expect((await endOf(host, one)).status.kind).toBe('succeeded')
  })

  it.each(['restore', 'boot_scratch', 'check_guest'] as const)(
    'leaves nothing where it is cancelled at %s',
    async (at) => {
      const holds = {
        restore: () => host.repositories.hold('fill'),
        boot_scratch: () => host.driver.hold('ready'),
        check_guest: () => host.driver.hold('runInGuest'),
      }
      const release = holds[at]()
      const { id } = await drill()
      await step(id, at)
      await admin().operations.cancel({ id })
      expect((await endOf(host, { id })).status.kind).toBe('cancelled')
      release()
      expect(await pointNow()).toMatchObject({ hasPassedDrill: null })
      await noScratchIsLeft()
    },
  )

  it.each(['is removed', 'is kept', 'fails'] as const)(
    'whose guest %s leaves no scratch, whenever the daemon is killed',
    async (way) => {
      if (way === 'fails') host.driver.failNext('ready', new DriverFailure('guest_exited', 'So.'))
      const { repositories } = host
      const more = way === 'is kept' ? { promoteTo: TWIN } : {}
      const moments = await momentsOf(host, async () => endOf(host, await drill(more)))
      expect(moments.length).toBeGreaterThan(8)
      await host.stop()
      for (const { at, folder, machine } of moments) {
        const next = await startFakeDriverDaemon({
          ...{ folder, machine, repositories, options: QUIET },
          arrange: (driver) => (driver.onProgram = answerAsTold),
        })
        try {
          for (const running of await next.as('admin').operations.list({ isRunning: true })) await endOf(next, running)
          const { environments } = await next.as('admin').environments.list()
          expect(machine.homes.ids().sort(), at).toEqual(environments.map(({ home }) => home.id).sort())
          expect(machine.guests.ids(), at).toHaveLength(1)
          expect((await next.as('admin').drift.list()).items, at).toEqual([])
          const verdicts = next.activity().filter(({ outcome }) => /^(dis)?proved$/.test(outcome))
          expect(verdicts.length, at).toBeLessThanOrEqual(1)
          const web = environments.find(({ name }) => name === 'web')!
          expect([web.operationId, machine.homes.get(web.home.id)?.files], at).toEqual([null, SOURCE_FILES])
        } finally {
          await next.stop()
          await rm(folder, { recursive: true, force: true })
        }
      }
    },
    60_000,
  )
})
