import { join } from 'node:path'
import { truncate } from 'node:fs/promises'
import BetterSqlite3 from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { backupStatusSchema } from '../../src-shared/model/backup.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import {
  newCommandId,
  refusalOf,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import type { FakeHome } from '../support/fake-machine.ts'

const LAST = { intervalMinutes: null, keep: { last: 1 }, freshnessMinutes: null, drillIntervalHours: null }

describe('recovery points', () => {
  let host: FakeDriverDaemon
  const admin = () => host.as('admin')
  const command = (environment = 'web') => ({ commandId: newCommandId(), environment })
  const ended = ({ id }: Pick<Operation, 'id'>) => admin().operations.wait({ id, timeoutMs: 10_000 })
  const backUp = async (environment = 'web') => ended(await admin().backups.now(command(environment)))
  const points = (more: object = {}) => admin().backups.points({ environment: 'web', ...more })
  const newest = async () => (await points())[0]!
  const row = async (environment = 'web') => (await admin().backups.status({ environment })).rows[0]!
  const codeOf = async (call: Promise<unknown>) => (await refusalOf(call)).code
  const outcomes = (action: string) =>
    host.activity().flatMap((entry) => (entry.action === action ? [entry.outcome] : []))
  const browse = (more: object = {}) => admin().backups.browse({ environment: 'web', point: 'latest', ...more })

  async function write(files: FakeHome['files']): Promise<void> {
    const { home } = await admin().environments.get({ environment: 'web' })
    host.machine.homes.put(home.id, { ...host.machine.homes.get(home.id)!, ...(files === undefined ? {} : { files }) })
  }

  /** Another one writes to the database. */
  function damage(sql: string): void {
    const db = new BetterSqlite3(join(host.folder, 'pilothoused.db'))
    db.pragma('ignore_check_constraints = ON')
    db.exec(sql)
    db.close()
  }

  beforeEach(async () => {
    host = await startFakeDriverDaemon()
    for (const name of ['web', 'other']) await ended(await admin().environments.spawn(spawnInput(name)))
  })
  afterEach(() => host.remove())

  describe('of which the latest is meant', () => {
    /** What a copy of a point's row takes over, its id and time first. */
    const COPIED = `id, taken_at, environment_id, repository, path, home_id, image, home_mib, host_name, bytes, entries,
      added_bytes, duration_ms, consistency, unreadable_count, tags, operation_id, has_listing, recorded_at`
    const setPoint = (columns: string, id: string) => damage(`UPDATE recovery_points SET ${columns} WHERE id = '${id}'`)
    const meant = async () => (await admin().restore.plan({ environment: 'web', point: 'latest' })).plan.point.id

    it('are passed over where something speaks against them, and the plan says so', async () => {
      for (let times = 0; times < 4; times += 1) {
        await write({ z: `as of ${times}` })
        await backUp()
      }
      const [newest, second, third, oldest] = await points()
      expect(await meant()).toBe(newest!.id)
      setPoint('drilled_at = taken_at, drill_passed = 0', newest!.id)
      expect(await meant()).toBe(second!.id)
      setPoint('unreadable_count = 1', second!.id)
      setPoint("consistency = 'neither'", third!.id)
      expect(await meant()).toBe(oldest!.id)
      const { plan } = await admin().restore.plan({ environment: 'web', point: 'latest' })
      expect(plan.text).toContain(`There is a newer recovery point, ${newest!.id.slice(0, 8)}`)
      expect(plan.text).toContain('About that one: it did not pass its drill.')
      const named = await admin().restore.plan({ environment: 'web', point: newest!.id })
      expect(named.plan.point.id).toBe(newest!.id)
    })

    it('are told to have been passed over, with whatever else is made of an older one', async () => {
      for (const z of ['one', 'two']) {
        await write({ z })
        await backUp()
      }
      const [doubted, good] = await points()
      const compare = { environment: 'web', from: good!.id, to: 'latest' }
      const files = { environment: 'web', point: 'latest', paths: ['/z'] }
      const clone = { environment: 'web', point: 'latest', owner: 'local' }
      const before = await Promise.all([
        browse(),
        admin().backups.compare(compare),
        ended(await admin().files({ ...files, ...command(), folder: 'before' })),
        ended(await admin().clone({ ...clone, ...command(), name: 'before' })),
      ])
      expect(before.map(({ note }) => note)).toEqual([undefined, undefined, undefined, undefined])
      setPoint('drilled_at = taken_at, drill_passed = 0', doubted!.id)
      const note = `The latest good point is ${good!.id.slice(0, 8)}; the newest, ${doubted!.id.slice(0, 8)}, is passed over: it did not pass its drill.`
      expect(await browse()).toMatchObject({ pointId: good!.id, note })
      expect(await admin().backups.compare(compare)).toMatchObject({ to: good!.id, note })
      expect((await browse({ point: good!.id })).note).toBeUndefined()
      const accepted = [
        await admin().files({ ...files, ...command(), folder: 'after' }),
        await admin().clone({ ...clone, ...command(), name: 'after' }),
      ]
      for (const { id, note: told } of accepted) {
        expect(told).toBe(note)
        expect((await ended({ id })).note).toBe(note)
        const said = host.activity().find((entry) => entry.operationId === id && entry.outcome === 'accepted')
        expect(said?.detail).toMatchObject({ pointId: good!.id, note })
      }
    })

    it('are gone through to the oldest, however many there are', async () => {
      await backUp()
      const { id } = await newest()
      damage(`
        CREATE TEMP TABLE t AS SELECT * FROM recovery_points WHERE id = '${id}';
        UPDATE t SET unreadable_count = 1;
        WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200)
        INSERT INTO recovery_points (${COPIED}) SELECT ${COPIED.replace('id, taken_at', "printf('%064x', i), taken_at + i")} FROM n, t`)
      expect(await points({ limit: 1000 })).not.toContainEqual(expect.objectContaining({ id }))
      expect((await browse()).pointId).toBe(id)
    })

    it('cannot be told where its record is malformed, and the plan of another one says so', async () => {
      await backUp()
      const { id } = await newest()
      const planOf = async () => (await admin().restore.plan({ environment: 'web', point: id })).plan
      expect((await planOf()).text).not.toContain('newest recovery point')
      await write({ z: 'later' })
      await backUp()
      setPoint("tags = '{}'", (await newest()).id)
      expect(await codeOf(meant())).toBe('no_recovery_point')
      const { point, text } = await planOf()
      expect(point.id).toBe(id)
      expect(text).toContain('The record of the newest recovery point is malformed and cannot be read')
    })

    it('none is where something speaks against all, and a drill is of the newest all the same', async () => {
      await backUp()
      const { id } = await newest()
      setPoint('drilled_at = taken_at, drill_passed = 0', id)
      const { code, message, hint } = await refusalOf(admin().restore.plan({ environment: 'web', point: 'latest' }))
      expect({ code, hint }).toEqual({ code: 'no_recovery_point', hint: 'Name a recovery point by its id.' })
      expect(message).toContain(`Of the newest, ${id.slice(0, 8)}: it did not pass its drill.`)
      const drill = await admin().drill({ ...command(), point: 'latest' })
      expect((await ended(drill)).result).toMatchObject({ kind: 'drill', pointId: id })
    })

    it.each([
      ['drilled_at = taken_at, drill_passed = 0', 'it did not pass its drill'],
      ['unreadable_count = 3', 'it is incomplete'],
      ["consistency = 'neither'", 'its file system was damaged'],
      ['bytes = home_mib * 1048576', 'what it holds, its holes filled, is more than its home takes'],
    ])('is what a plan to destroy counts on, and freshness: not one with %s', async (columns, doubt) => {
      await backUp()
      const { id: good } = await newest()
      await backUp()
      const { id: bad } = await newest()
      setPoint(columns, bad)
      expect((await row()).freshness).toMatchObject({ kind: 'unavailable', sentence: expect.stringContaining(doubt) })
      const { plan } = await admin().environments.destroy.plan({ environment: 'web' })
      expect(plan.text).toContain(`Its newest good recovery point is less than a minute old (${good.slice(0, 8)})`)
      expect(plan.text).toContain(`Its newest one, ${bad.slice(0, 8)}, is not good: ${doubt}.`)
      setPoint(columns, good)
      const worse = await admin().environments.reset.plan({ environment: 'web' })
      expect(worse.plan.text).toContain('None of its recovery points is good; points are kept in the repository.')
    })
  })

  describe('can be looked into', () => {
    beforeEach(async () => {
      await write({ 'a/1': 'one', 'a/2': 'two', 'a b/3': 'three', z: 'last' })
      await backUp()
    })

    it('a folder and a page at a time, without asking the repository', async () => {
      const { calls } = host.repositories
      const before = calls.listEntries
      const root = await browse()
      expect(root.pointId).toBe((await newest()).id)
      expect(root.entries.map(({ path, type }) => `${type} ${path}`)).toEqual(
        expect.arrayContaining(['directory /a', 'directory /a b', 'file /z']),
      )
      expect((await browse({ folder: '/a' })).entries.map(({ path }) => path)).toEqual(['/a/1', '/a/2'])
      expect((await browse({ folder: '/a b/' })).entries.map(({ path }) => path)).toEqual(['/a b/3'])
      const first = await browse({ folder: '/a', limit: 1 })
      const second = await browse({ folder: '/a', limit: 1, after: first.next! })
      expect([first, second].flatMap(({ entries }) => entries.map(({ path }) => path))).toEqual(['/a/1', '/a/2'])
      expect(second.next).toBeNull()
      expect(calls.listEntries).toBe(before)
    })

    it('but not where there is no folder', async () => {
      expect(await codeOf(browse({ folder: '/nothing' }))).toBe('not_found')
      expect(await codeOf(browse({ folder: '/z' }))).toBe('not_found')
      expect(await codeOf(browse({ folder: 'a' }))).toBe('invalid_request')
      expect(await codeOf(browse({ after: '-1' }))).toBe('invalid_request')
    })

    it('with a damaged listing too, which is made anew', async () => {
      const { id } = await newest()
      await truncate(join(host.folder, 'listings', `${id}.jsonl.gz`), 20)
      expect((await browse({ folder: '/a' })).entries).toHaveLength(2)
      host = await host.crash()
      expect((await browse({ folder: '/a' })).entries).toHaveLength(2)
    })

    it('and compared, counted as a whole and told by pages', async () => {
      const from = (await newest()).id
      await write({ 'a/1': 'another', 'a/4': 'four', 'a b/3': 'three', z: 'last' })
      await backUp()
      const pages = []
      let after: string | undefined
      do {
        const more = after === undefined ? {} : { after }
        const page = await admin().backups.compare({ environment: 'web', from, to: 'latest', limit: 1, ...more })
        pages.push(page)
        after = page.next ?? undefined
      } while (after !== undefined)
      const files = pages.flatMap(({ changes }) => changes).filter(({ type }) => type === 'file')
      expect(files.map(({ kind, path }) => `${kind} ${path}`)).toEqual(['changed /a/1', 'removed /a/2', 'added /a/4'])
      expect(pages[0]!.counts).toEqual({ added: 1, changed: 1, removed: 1, bytesWritten: 11, bytesRemoved: 3 })
      expect(new Set(pages.map(({ counts }) => JSON.stringify(counts))).size).toBe(1)
    })
  })

  it('are found by latest, by their id, and by the beginning of it, in the record alone', async () => {
    await backUp()
    const { id } = await newest()
    await backUp()
    for (const point of [id, id.slice(0, 8), id.slice(0, 20)]) expect((await browse({ point })).pointId).toBe(id)
    expect((await browse()).pointId).toBe((await newest()).id)
    expect((await newest()).id).not.toBe(id)
  })

  it('of another environment are foreign, and what is not there is no recovery point', async () => {
    expect(await codeOf(browse())).toBe('no_recovery_point')
    await backUp('other')
    const [foreign] = await points({ environment: 'other' })
    expect(await codeOf(browse({ point: foreign!.id }))).toBe('point_foreign')
    expect(await codeOf(browse({ point: foreign!.id.slice(0, 8) }))).toBe('point_foreign')
    expect(await codeOf(browse({ point: 'ab'.repeat(32) }))).toBe('no_recovery_point')
  })

  it('with the same beginning are ambiguous', async () => {
    await backUp()
    const { id } = await newest()
    const twin = id.slice(0, 12) + (id[12] === '0' ? '1' : '0') + id.slice(13)
    damage(`
      CREATE TEMP TABLE t AS SELECT * FROM recovery_points WHERE id = '${id}';
      UPDATE t SET id = '${twin}', environment_id = 'env-00000000';
      INSERT INTO recovery_points SELECT * FROM t`)
    expect((await refusalOf(browse({ point: id.slice(0, 12) }))).message).toContain('more than one')
    expect((await browse({ point: id })).pointId).toBe(id)
    expect((await browse({ point: id.slice(0, 13) })).pointId).toBe(id)
  })

  it('that a prune forgot are told once each, and are no points any more', async () => {
    await admin().backups.setPolicy({ environment: 'web', policy: LAST })
    for (let times = 0; times < 3; times += 1) await backUp()
    const [kept, ...others] = await points()
    const { result } = await ended(await admin().backups.prune(command()))
    expect(result).toEqual({ kind: 'prune', forgotten: 2, kept: 1 })
    expect((await points()).map(({ id }) => id)).toEqual([kept!.id])
    const all = await points({ isForgottenIncluded: true })
    expect(all.filter(({ forgottenAt }) => forgottenAt !== null).map(({ id }) => id)).toEqual(
      others.map(({ id }) => id),
    )
    expect(all.map(({ hasListing }) => hasListing)).toEqual([true, false, false])
    expect(outcomes('point.forgotten')).toHaveLength(2)
    await ended(await admin().backups.prune(command()))
    expect(outcomes('point.forgotten')).toHaveLength(2)
    expect(await codeOf(browse({ point: others[0]!.id }))).toBe('no_recovery_point')
  })

  it('that somebody else removed are found to be gone at the next prune', async () => {
    await backUp()
    host.repositories.forget((await newest()).id)
    await ended(await admin().backups.prune(command()))
    expect(await points()).toEqual([])
    expect(await row()).toMatchObject({ freshness: { kind: 'missing' }, pointCount: 0, latest: null })
  })

  it('are verified by a check that reads everything and finds nothing', async () => {
    await backUp()
    await ended(await admin().backups.check(command()))
    expect((await newest()).verifiedAt).toBeNull()
    const { result } = await ended(await admin().backups.check({ ...command(), depth: 'all' }))
    expect(result).toEqual({ kind: 'check', depth: 'all', isSound: true, findings: [] })
    expect((await newest()).verifiedAt).not.toBeNull()
    expect((await row()).lastVerifiedAt).toBe((await newest()).verifiedAt)
  })

  it('in a damaged repository are unavailable until all of it was read and is sound', async () => {
    await backUp()
    for (const store of host.repositories.stores.values()) store.isDamaged = true
    const failed = await ended(await admin().backups.check({ ...command(), depth: { part: 1, of: 4 } }))
    expect(failed).toMatchObject({
      status: { kind: 'failed', failure: { code: 'repository_damaged' } },
      result: { isSound: false, findings: ['a pack is not as it was written'] },
    })
    expect(await row()).toMatchObject({ freshness: { kind: 'unavailable' }, lastCheck: { isSound: false } })
    for (const store of host.repositories.stores.values()) store.isDamaged = false
    await backUp()
    await ended(await admin().backups.check(command()))
    expect((await row()).freshness.kind).toBe('unavailable')
    await ended(await admin().backups.check({ ...command(), depth: 'all' }))
    expect((await row()).freshness.kind).toBe('healthy')
  })

  it('outlive their environment, and its record', async () => {
    await backUp()
    const { id, ...rest } = await admin().environments.get({ environment: 'web' })
    const { ticket, plan } = await admin().environments.destroy.plan({ environment: 'web' })
    expect(plan.text).toContain(`less than a minute old (${(await newest()).id.slice(0, 8)})`)
    expect(plan.text).toContain('make a final backup first')
    await ended(await admin().environments.destroy.run({ ...command(), ticket: ticket.id, confirmName: rest.name }))
    expect(await points({ environment: id })).toHaveLength(1)
    expect((await browse({ environment: id })).pointId).toBe((await points({ environment: id }))[0]!.id)
    expect((await admin().backups.status({})).rows.map(({ environmentName }) => environmentName)).toEqual(['other'])
    damage(`UPDATE operations SET ended_at = 1; UPDATE environments SET destroyed_at = 1 WHERE id = '${id}'`)
    host = await host.restart()
    expect(await points({ environment: id })).toHaveLength(1)
    expect(await codeOf(admin().environments.get({ environment: id }))).toBe('not_found')
  })

  it('are what plans go by: a reset says what is lost', async () => {
    const textOf = async () => (await admin().environments.reset.plan({ environment: 'web' })).plan.text
    expect(await textOf()).toContain('There is no recovery point: everything in it is lost.')
    await backUp()
    expect(await textOf()).toContain('points are kept in the repository')
    damage(`UPDATE recovery_points SET tags = '{}'`)
    expect(await textOf()).toContain('cannot be read')
  })

  const MALFORMATIONS: Record<string, string> = {
    'tags that are no list': `UPDATE recovery_points SET tags = '{}' WHERE environment_id = $id`,
    'a point that was taken before all time': 'UPDATE recovery_points SET taken_at = -1 WHERE environment_id = $id',
    'a point of no image': `UPDATE recovery_points SET image = '-rf' WHERE environment_id = $id`,
    'a policy of another shape': `UPDATE backup_states SET policy = '{"keep":{}}' WHERE environment_id = $id`,
    'an attempt of an unknown kind': `UPDATE backup_states SET attempt_outcome = 'perhaps' WHERE environment_id = $id`,
    'a next time before all time': 'UPDATE backup_states SET next_at = -5 WHERE environment_id = $id',
    'a name with control characters': `UPDATE environments SET name = 'we' || char(27) WHERE id = $id`,
    'an owner that is a path': `UPDATE environments SET owner = '../root' WHERE id = $id`,
    'a home that points nowhere': `UPDATE environments SET home_id = 'home-00000000deadbeef' WHERE id = $id`,
  }

  it.each(Object.keys(MALFORMATIONS))('with %s make one row unavailable, and break no other', async (which) => {
    for (const name of ['web', 'other']) await backUp(name)
    const { id } = await admin().environments.get({ environment: 'web' })
    damage(`PRAGMA foreign_keys = OFF; ${MALFORMATIONS[which]!.replaceAll('$id', `'${id}'`)}`)
    const { rows } = await admin().backups.status({})
    expect(rows).toHaveLength(2)
    for (const each of rows) expect(backupStatusSchema.safeParse(each).error).toBeUndefined()
    const freshness = rows.find(({ environmentId }) => environmentId === id)!.freshness
    expect(freshness.kind).toBe('unavailable')
    expect(freshness.sentence).toMatch(/malformed|cannot be relied on|names no home|Its record/)
    expect(rows.find(({ environmentId }) => environmentId !== id)!.freshness.kind).toBe('healthy')
  })

  it('are never forgotten by a policy that cannot be read', async () => {
    for (let times = 0; times < 2; times += 1) await backUp()
    await admin().backups.setPolicy({ environment: 'web', policy: LAST })
    damage(`UPDATE backup_states SET policy = '{"keep":{}}'`)
    expect((await ended(await admin().backups.prune(command()))).status).toMatchObject({ kind: 'failed' })
    expect(await points()).toHaveLength(2)
    await admin().backups.setPolicy({ environment: 'web', policy: null })
    expect((await row()).freshness.kind).toBe('healthy')
  })
})
