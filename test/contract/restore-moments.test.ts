import { rm } from 'node:fs/promises'
import { afterEach, describe, expect, it } from 'vitest'
import { DriverFailure } from '../../host-daemon/drivers/vm-driver.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import {
  newCommandId,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import type { FakeRepositories } from '../support/fake-point-repository.ts'
import type { FakeAction } from '../support/fake-vm-driver.ts'
import { copyOfMoment, momentsOf, type JournalMoment } from '../support/journal-moments.ts'
import { filesIn, makePoint, putFiles, readStore, UNSCHEDULED } from '../support/made-points.ts'
import { waitFor } from '../support/wait-for.ts'

const THEN = { 'notes.txt': 'as it was', 'work/a': 'first' }
const NOW = { 'notes.txt': 'as it is now', 'work/b': 'second' }
const QUIET = { observeIntervalMs: 50, letGoMs: 50, recovery: UNSCHEDULED }

const KINDS = ['restore', 'second restore', 'undo_restore'] as const
type Kind = (typeof KINDS)[number]
const WAYS = ['succeeds', 'fails', 'is cancelled'] as const
type Way = (typeof WAYS)[number]

const ended = (host: FakeDriverDaemon, { id }: { readonly id: string }): Promise<Operation> =>
  host.as('admin').operations.wait({ id, timeoutMs: 5_000 })
const get = (host: FakeDriverDaemon) => host.as('admin').environments.get({ environment: 'web' })

async function prepare(host: FakeDriverDaemon, kind: Kind): Promise<void> {
  await ended(host, await host.as('admin').environments.spawn(spawnInput('web')))
  await putFiles(host, 'web', THEN)
  await makePoint(host, 'web')
  await putFiles(host, 'web', NOW)
  if (kind === 'restore') return
  await ended(host, await submit(host, 'restore'))
  if (kind === 'second restore') await putFiles(host, 'web', NOW)
}

async function submit(host: FakeDriverDaemon, kind: Kind, isStopNow = false): Promise<Operation> {
  const admin = host.as('admin')
  const command = { commandId: newCommandId(), environment: 'web', confirmName: 'web' }
  if (kind === 'undo_restore') {
    const { ticket } = await admin.undo.plan({ environment: 'web' })
    return admin.undo.run({ ...command, ticket: ticket.id })
  }
  const { ticket } = await admin.restore.plan({ environment: 'web', point: 'latest', isStopNow })
  return admin.restore.run({ ...command, ticket: ticket.id })
}

/** What the home holds before the operation, and after it went well. */
const contents = (kind: Kind) => (kind === 'undo_restore' ? { old: THEN, new: NOW } : { old: NOW, new: THEN })

interface Expected {
  readonly kind: Kind
  readonly about: string
}

/** Nothing is in flight, one whole home is in use, and nothing is there that nobody knows of. */
async function expectSettled(host: FakeDriverDaemon, { kind, about }: Expected): Promise<Operation['status']['kind']> {
  const { operations } = host.as('admin')
  const [newest] = await operations.list({ limit: 1 })
  if (newest === undefined) throw new Error('There is no operation')
  const operation = await ended(host, newest)
  expect(operation.status.kind, about).not.toBe('running')
  const environment = await get(host)
  expect(environment.operationId, about).toBeNull()
  const isNew = operation.status.kind === 'succeeded'
  expect(filesIn(host, environment.home.id), about).toEqual(contents(kind)[isNew ? 'new' : 'old'])
  const kept = readStore(host, (store) => store.keptHomes.allForUndo())
  const known = [environment.home.id, ...kept.map(({ homeId }) => homeId)]
  expect(host.machine.homes.ids().sort(), about).toEqual(known.sort())
  expect(kept, about).toHaveLength(kind === 'restore' && !isNew ? 0 : 1)
  expect(host.machine.mostGuestsPerHome, about).toBeLessThanOrEqual(1)
  return operation.status.kind
}

async function expectRunning(host: FakeDriverDaemon, about: string): Promise<void> {
  const { observed, home, boot } = await get(host)
  expect(observed, about).toMatchObject({ kind: 'running' })
  expect(host.machine.guests.ids(), about).toEqual([boot?.id])
  expect(host.machine.guests.get(boot?.id ?? '')?.homeId, about).toBe(home.id)
}

describe('a daemon killed at a moment of the journal of a change of homes', () => {
  const folders: string[] = []
  afterEach(async () => {
    await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })))
  })

  const cells = KINDS.flatMap((kind) => WAYS.map((way) => ({ kind, way })))
  it.each(cells)(
    'leaves the old home or the new one, whole, where a $kind $way',
    async ({ kind, way }) => {
      const host = await startFakeDriverDaemon({ options: QUIET })
      try {
        await prepare(host, kind)
        const moments = await momentsOf(host, () => perform(host, { kind, way }))
        const copies = moments.map(copyOfMoment)
        folders.push(...[...moments, ...copies].map(({ folder }) => folder))
        expect(moments.length).toBeGreaterThan(1)
        await host.stop()
        const { repositories } = host
        for (const moment of moments) await goOn({ ...moment, kind, repositories, isGuestKilled: false })
        for (const moment of copies) await goOn({ ...moment, kind, repositories, isGuestKilled: true })
      } finally {
        await host.remove()
      }
    },
    60_000,
  )
})

async function perform(host: FakeDriverDaemon, { kind, way }: { kind: Kind; way: Way }): Promise<void> {
  if (way === 'fails') host.driver.failNext('ready', new DriverFailure('guest_exited', 'So.'))
  const holding = way === 'is cancelled' ? await holdAt(host, kind) : undefined
  const operation = await submit(host, kind)
  if (holding !== undefined) {
    await waitFor('the step that is held', holding.isReached)
    await host.as('admin').operations.cancel({ id: operation.id })
  }
  const { status } = await ended(host, operation)
  holding?.release()
  expect(status.kind).toBe({ succeeds: 'succeeded', fails: 'failed', 'is cancelled': 'cancelled' }[way])
}

interface Holding {
  readonly isReached: () => boolean
  readonly release: () => void
}

/** A step that heeds a cancel, held still. */
async function holdAt(host: FakeDriverDaemon, kind: Kind): Promise<Holding> {
  const { repositories, driver } = host
  const before = repositories.calls.fill
  const isReached = () => repositories.calls.fill > before
  if (kind !== 'undo_restore') return { isReached, release: repositories.hold('fill') }
  // Its homes differ in size then, so that the kept one has to grow first.
  const { id, home } = await get(host)
  readStore(host, (store) => {
    store.environments.setSize(id, { cpus: 1, memoryMiB: 512, homeMiB: home.sizeMiB * 2 })
  })
  return { isReached: () => driver.calls.growHome === 1, release: driver.hold('growHome') }
}

interface Left extends JournalMoment {
  readonly kind: Kind
  readonly repositories: FakeRepositories
  readonly isGuestKilled: boolean
}

async function goOn({ folder, machine, at, kind, repositories, isGuestKilled }: Left): Promise<void> {
  if (isGuestKilled) for (const id of machine.guests.ids()) machine.kill(id)
  const host = await startFakeDriverDaemon({ folder, machine, repositories, options: QUIET })
  const about = `${kind} at "${at}"${isGuestKilled ? ', its guest killed too' : ''}`
  try {
    const status = await expectSettled(host, { kind, about })
    if (!isGuestKilled) await expectRunning(host, about)
    else if (status === 'succeeded') expect((await get(host)).observed.kind, about).toMatch(/^(running|lost)$/)
    expect(host.logger.errors(), about).toEqual([])
  } finally {
    await host.stop()
  }
}

type Place = { readonly driver: FakeAction } | { readonly repository: 'list' | 'fill' }

const PLACES: readonly (Place & { readonly step: string; readonly isStopNow?: boolean })[] = [
  { repository: 'list', step: 'check_point', isStopNow: true },
  { driver: 'stopGuest', step: 'stop_now', isStopNow: true },
  { driver: 'createHome', step: 'make_home' },
  { driver: 'fillHome', step: 'restore' },
  { repository: 'fill', step: 'restore' },
  { driver: 'verifyHome', step: 'verify' },
  { driver: 'stopGuest', step: 'stop_guest' },
  { driver: 'startGuest', step: 'start_guest' },
  { driver: 'ready', step: 'await_ready' },
]

/** The call that asks before it accepts the operation asks too. */
const callsBefore = (place: Place) => ('repository' in place && place.repository === 'list' ? 1 : 0)

describe('a restore in which something goes wrong', () => {
  let host: FakeDriverDaemon
  afterEach(() => host.remove())

  /** Accepted and standing in the step, with its work held. */
  async function standingIn(place: (typeof PLACES)[number]): Promise<{ operation: Operation; release: () => void }> {
    host = await startFakeDriverDaemon({ options: QUIET })
    await prepare(host, 'restore')
    const { step, isStopNow = false } = place
    const { ticket } = await host.as('admin').restore.plan({ environment: 'web', point: 'latest', isStopNow })
    const release =
      'driver' in place
        ? host.driver.hold(place.driver)
        : host.repositories.hold(place.repository, { after: callsBefore(place) })
    const input = { commandId: newCommandId(), environment: 'web', confirmName: 'web', ticket: ticket.id }
    const operation = await host.as('admin').restore.run(input)
    const standing = async () => (await host.as('admin').operations.get({ id: operation.id })).step === step
    await waitFor(step, standing)
    return { operation, release }
  }

  it.each(PLACES)('goes on where it was killed in the middle of $step', async (place) => {
    const { operation, release } = await standingIn(place)
    await new Promise(setImmediate)
    host = await host.crash()
    release()
    expect(await ended(host, operation)).toMatchObject({ status: { kind: 'succeeded' } })
    await expectSettled(host, { kind: 'restore', about: place.step })
    await expectRunning(host, place.step)
  })

  it.each(PLACES)('ends as before where $step fails', async (place) => {
    host = await startFakeDriverDaemon({ options: QUIET })
    await prepare(host, 'restore')
    const { isStopNow = false, step } = place
    const { ticket } = await host.as('admin').restore.plan({ environment: 'web', point: 'latest', isStopNow })
    const input = { commandId: newCommandId(), environment: 'web', confirmName: 'web', ticket: ticket.id }
    failAt(place)
    const operation = await host.as('admin').restore.run(input)
    const done = await ended(host, operation)
    expect(done).toMatchObject({ status: { kind: 'failed' }, result: null })
    const steps = await host.as('admin').operations.steps({ id: operation.id })
    expect(steps.find(({ outcome }) => outcome === 'failed')?.step).toBe(step)
    await expectSettled(host, { kind: 'restore', about: step })
    await expectRunning(host, step)
    expect(done.status.kind === 'failed' && done.status.failure.message).toContain('is kept as it is.')
  })

  function failAt(place: Place): void {
    const error = new DriverFailure('disk_failed', 'It was told to.')
    if ('driver' in place) host.driver.failNext(place.driver, error)
    else host.repositories.failNext(place.repository, error, { after: callsBefore(place) })
  }

  it.each(PLACES)('heeds a cancel in $step, or ends well where that is not safe', async (place) => {
    const { operation, release } = await standingIn(place)
    const { operations } = host.as('admin')
    const { isCancellable } = await operations.get({ id: operation.id })
    const isSafe = ['check_point', 'make_home', 'restore', 'verify'].includes(place.step)
    expect(isCancellable).toBe(isSafe)
    await operations.cancel({ id: operation.id })
    release()
    expect((await ended(host, operation)).status.kind).toBe(isSafe ? 'cancelled' : 'succeeded')
    await expectSettled(host, { kind: 'restore', about: place.step })
    await expectRunning(host, place.step)
  })

  it('makes the home anew where an attempt before has left something in it', async () => {
    host = await startFakeDriverDaemon({ options: QUIET })
    await prepare(host, 'restore')
    const { home } = await get(host)
    const release = host.repositories.hold('fill')
    const operation = await submit(host, 'restore')
    await waitFor('the restore', () => host.repositories.calls.fill === 1)
    const fresh = host.machine.homes.ids().find((id) => id !== home.id) ?? ''
    const leaveHalf = () => host.machine.homes.put(fresh, { homeId: fresh, sizeMiB: 1024, files: { half: 'of it' } })
    host = await host.crash({ arrange: leaveHalf })
    release()
    expect(await ended(host, operation)).toMatchObject({ status: { kind: 'succeeded' } })
    expect((await get(host)).home.id).toBe(fresh)
    await expectSettled(host, { kind: 'restore', about: 'restore' })
  })

  it('says so when less arrived than the point holds, and keeps the home', async () => {
    host = await startFakeDriverDaemon({ options: QUIET })
    await prepare(host, 'restore')
    const point = await makePoint(host, 'web', { entries: 7, bytes: 90 })
    const { ticket } = await host.as('admin').restore.plan({ environment: 'web', point })
    const input = { commandId: newCommandId(), environment: 'web', confirmName: 'web', ticket: ticket.id }
    const done = await ended(host, await host.as('admin').restore.run(input))
    expect(done).toMatchObject({ status: { kind: 'failed', failure: { code: 'engine_failed' } } })
    expect(done.status.kind === 'failed' && done.status.failure.message).toMatch(
      /^Of 7 files and folders with 90 bytes/,
    )
    await expectSettled(host, { kind: 'restore', about: 'verify' })
    await expectRunning(host, 'verify')
  })
})
