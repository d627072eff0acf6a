import { join } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { afterEach, beforeEach, expect, it } from 'vitest'
import type { Operation } from '../../src-shared/model/operation.ts'
import {
  newCommandId,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import { filesIn, makePoint, putFiles, readStore, UNSCHEDULED } from '../support/made-points.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { waitFor } from '../support/wait-for.ts'

const THEN = { 'notes.txt': 'as it was' }
const NOW = { 'notes.txt': 'as it is now' }

let host: FakeDriverDaemon
const admin = () => host.as('admin')
const ended = ({ id }: Pick<Operation, 'id'>) => admin().operations.wait({ id, timeoutMs: 5_000 })
const get = () => admin().environments.get({ environment: 'web' })
const command = () => ({ commandId: newCommandId(), environment: 'web' })
const restore = async () => {
  const { ticket } = await admin().restore.plan({ environment: 'web', point: 'latest', isStopNow: false })
  return admin().restore.run({ ...command(), ticket: ticket.id, confirmName: 'web' })
}
const outcomesOf = (operation: Pick<Operation, 'id'>) =>
  host
    .activity()
    .filter(({ operationId }) => operationId === operation.id)
    .map(({ outcome }) => outcome)

beforeEach(async () => {
  host = await startFakeDriverDaemon({ options: { letGoMs: 50, recovery: UNSCHEDULED } })
  await ended(await admin().environments.spawn(spawnInput('web')))
  await putFiles(host, 'web', THEN)
  await makePoint(host, 'web')
  await putFiles(host, 'web', NOW)
})
afterEach(() => host.remove())

it('keeps its undo where the daemon dies again and again in the last step', async () => {
  await ended(await restore())
  await putFiles(host, 'web', NOW)
  const { home: replaced } = await get()
  host.driver.hold('destroyHome')
  const operation = await restore()
  for (let times = 1; times <= 4; times += 1) {
    await waitFor('the removal', () => host.driver.calls.destroyHome === 1)
    host = await host.crash({ arrange: (driver) => times < 4 && driver.hold('destroyHome') })
  }
  expect((await ended(operation)).status).toMatchObject({ kind: 'failed' })
  expect(outcomesOf(operation)).not.toContain('rolling_back')
  expect(outcomesOf(operation)).not.toContain('kept_for_review')
  expect(outcomesOf(operation).slice(-3)).toEqual(['interrupted', 'given_up', 'failed_and_not_rolled_back'])
  const { home, observed, operationId } = await get()
  expect({ observed, operationId }).toMatchObject({ observed: { kind: 'running' }, operationId: null })
  expect(filesIn(host, home.id)).toEqual(THEN)
  expect(readStore(host, (store) => store.keptHomes.allForUndo())).toMatchObject([{ homeId: replaced.id }])
  const { ticket } = await admin().undo.plan({ environment: 'web' })
  const undone = await ended(await admin().undo.run({ ...command(), ticket: ticket.id }))
  expect(undone.status).toMatchObject({ kind: 'succeeded' })
  expect(filesIn(host, (await get()).home.id)).toEqual(NOW)
})

it('keeps every home where a daemon of other steps finds it behind its swap', async () => {
  await ended(await restore())
  await putFiles(host, 'web', NOW)
  host.driver.hold('ready')
  const operation = await restore()
  await waitFor('the start', async () => (await admin().operations.get({ id: operation.id })).step === 'await_ready')
  const before = host.machine.homes.ids()
  const clock = new ManualClock()
  host = await host.crash({
    clock,
    arrange: (_driver, folder) => {
      const db = new BetterSqlite3(join(folder, 'pilothoused.db'))
      db.prepare('UPDATE operations SET step = ? WHERE id = ?').run('of_another_daemon', operation.id)
      db.prepare('UPDATE kept_homes SET until = 1 WHERE until IS NOT NULL').run()
      db.close()
    },
  })
  expect((await ended(operation)).status.kind).toBe('failed')
  // The home that was replaced can be brought back until its deadline, and is not removed behind it either.
  expect(readStore(host, (store) => store.keptHomes.allToRemove())).toHaveLength(1)
  await waitFor('the look at it', () => {
    clock.advance(60_000)
    return readStore(host, (store) => store.keptHomes.allToRemove()).length === 0
  })
  expect(host.machine.homes.ids()).toEqual(before)
  expect(before).toHaveLength(3)
})

/** All that a daemon may find, or not find, of the operation that set a home aside. */
const RECORDS = {
  'is whole': '',
  'is forgotten': `DELETE FROM operations WHERE kind = 'restore'`,
  'is malformed': `UPDATE operations SET params = '[]' WHERE kind = 'restore'`,
}
const RECORD_KINDS = Object.keys(RECORDS) as (keyof typeof RECORDS)[]

/** A restore whose replaced home is past its deadline, and of which the record is what it is said to be. */
async function pastDeadline(record: keyof typeof RECORDS, isProved: boolean): Promise<ManualClock> {
  if (!isProved) host.driver.hold('ready')
  const operation = await restore()
  if (isProved) await ended(operation)
  else
    await waitFor('the start', async () => (await admin().operations.get({ id: operation.id })).step === 'await_ready')
  const inDatabase = (folder: string, sql: string) => {
    const db = new BetterSqlite3(join(folder, 'pilothoused.db'))
    db.exec(sql)
    db.close()
  }
  const clock = new ManualClock(Date.now())
  const unknownStep = `UPDATE operations SET step = 'of_another_daemon' WHERE status = 'running'`
  host = await host.crash({ clock, arrange: (_driver, folder) => inDatabase(folder, unknownStep) })
  await ended(operation)
  inDatabase(host.folder, `PRAGMA foreign_keys = ON; ${RECORDS[record]}`)
  clock.advance(UNSCHEDULED.undoMs)
  return clock
}

const hasLooked = (clock: ManualClock) => {
  clock.advance(UNSCHEDULED.tickMs)
  return readStore(host, (store) => store.keptHomes.allToRemove()).length === 0
}

it.each(RECORD_KINDS)(
  'keeps a home whose replacement never proved itself where the record of it %s',
  async (record) => {
    const { home } = await get()
    const clock = await pastDeadline(record, false)
    await waitFor('the look at it', () => hasLooked(clock))
    expect(filesIn(host, home.id)).toEqual(NOW)
    expect(readStore(host, (store) => store.keptHomes.find(home.id))).toMatchObject({ purpose: 'review' })
  },
)

it.each(RECORD_KINDS)(
  'removes a home whose replacement has proved itself where the record of it %s',
  async (record) => {
    const { home } = await get()
    const clock = await pastDeadline(record, true)
    await waitFor('the removal', () => hasLooked(clock))
    expect(host.machine.homes.ids()).not.toContain(home.id)
    expect(readStore(host, (store) => store.keptHomes.find(home.id))).toBeUndefined()
  },
)

const KINDS = ['clone', 'files', 'drill'] as const

function begin(kind: (typeof KINDS)[number] | 'restore'): Promise<Operation> {
  const pointed = { ...command(), point: 'latest' }
  const kinds = {
    restore,
    clone: () => admin().clone({ ...pointed, name: 'twin', owner: 'local' }),
    files: () => admin().files({ ...pointed, paths: ['/'], folder: 'files' }),
    drill: () => admin().drill(pointed),
  }
  return kinds[kind]()
}

const undone = ({ id }: Pick<Operation, 'id'>) =>
  waitFor('its undo', () => readStore(host, (store) => store.operations.find(id)?.direction === 'undo'))

it.each([...KINDS, 'restore'] as const)('removes no home of a %s that restic still writes to', async (kind) => {
  const before = host.machine.homes.ids()
  const release = host.repositories.hold('fill', { isDeaf: true })
  const { id } = await begin(kind)
  await waitFor('the filling', () => host.repositories.calls.fill === 1)
  await admin().operations.cancel({ id })
  await undone({ id })
  expect((await admin().operations.wait({ id, timeoutMs: 300 })).status.kind).toBe('running')
  expect(host.driver.calls.destroyHome).toBe(0)
  release()
  expect((await ended({ id })).status.kind).toBe('cancelled')
  expect(host.machine.homes.ids()).toEqual(before)
})

it.each([...KINDS, 'restore'] as const)('leaves no home of a %s that was made only after it', async (kind) => {
  const before = host.machine.homes.ids()
  const made = host.driver.calls.createHome
  const release = host.driver.hold('createHome', { isDeaf: true })
  const { id } = await begin(kind)
  await waitFor('the making', () => host.driver.calls.createHome > made)
  await admin().operations.cancel({ id })
  await undone({ id })
  expect((await admin().operations.wait({ id, timeoutMs: 300 })).status.kind).toBe('running')
  expect(host.driver.calls.destroyHome).toBe(0)
  release()
  expect((await ended({ id })).status.kind).toBe('cancelled')
  expect(host.machine.homes.ids()).toEqual(before)
})

it.each(['restore', 'clone', 'drill'] as const)('counts no further once a %s is cancelled', async (kind) => {
  const verify = host.driver.verifyHome.bind(host.driver)
  const counted: Promise<unknown>[] = []
  host.driver.verifyHome = (homeId, options, look) =>
    verify(homeId, options, async (tree) => {
      for (const { id } of await admin().operations.list({ isRunning: true })) await admin().operations.cancel({ id })
      const looking = look(tree)
      counted.push(looking.catch((error: unknown) => error))
      return looking
    })
  const operation = await begin(kind)
  expect((await ended(operation)).status.kind).toBe('cancelled')
  expect(await Promise.all(counted)).toMatchObject([{ code: 'cancelled' }])
})

it.each(KINDS)('says aloud that the undoing of a %s failed', async (kind) => {
  host.repositories.failNext('fill', new Error('The repository does not answer.'))
  host.driver.failNext('destroyHome', new Error('Nor does the disk.'))
  const operation = await ended(await begin(kind))
  expect(operation.status).toMatchObject({ kind: 'failed' })
  expect(outcomesOf(operation).at(-1)).toBe('rollback_failed')
})

it('shows a scratch home that could not be removed as a leftover, and removes it by plan', async () => {
  const { home } = await get()
  host.repositories.failNext('fill', new Error('The repository does not answer.'))
  host.driver.failNext('destroyHome', new Error('Nor does the disk.'))
  await ended(await admin().drill({ ...command(), point: 'latest' }))
  const [item] = (await admin().drift.list()).items
  const { id: environmentId } = await get()
  const detail = expect.stringContaining(`with a point of ${environmentId} for a drill`) as string
  expect(item).toMatchObject({ kind: 'home', holdsData: true, environmentId, detail })
  const { ticket, plan } = await admin().drift.plan({ items: [item!.id] })
  await admin().drift.run({ commandId: newCommandId(), ticket: ticket.id, confirmName: plan.hostName })
  expect(host.machine.homes.ids()).toEqual([home.id])
  expect((await admin().drift.list()).items).toEqual([])
})
