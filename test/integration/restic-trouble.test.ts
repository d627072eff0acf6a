import { randomBytes } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { backUp } from '../../host-daemon/backups/restic/backup.ts'
import { checkRepository } from '../../host-daemon/backups/restic/check.ts'
import { forgetByRules } from '../../host-daemon/backups/restic/forget.ts'
import { initRepository } from '../../host-daemon/backups/restic/init.ts'
import { clearDeadLocks, listLocks } from '../../host-daemon/backups/restic/locks.ts'
import { pruneRepository } from '../../host-daemon/backups/restic/prune.ts'
import { restorePoint } from '../../host-daemon/backups/restic/restore.ts'
import { listSnapshots } from '../../host-daemon/backups/restic/snapshots.ts'
import { isAlive, signalProcess } from '../../host-daemon/system/processes.ts'
import {
  HOST,
  makeFiles,
  removeMadeRepository,
  resticFixture,
  TAG,
  type ResticFixture,
  endlessBackup,
  resticFailure,
  runTool,
} from '../support/restic-fixture.ts'

let fixture: ResticFixture

beforeEach(async () => {
  fixture = await resticFixture()
})
afterEach(async () => {
  await fixture.remove()
})
afterAll(removeMadeRepository)

const target: ResticFixture['target'] = (name) => fixture.target(name)
const backup: ResticFixture['backUp'] = (changes) => fixture.backUp(changes)

async function filesBelow(root: string): Promise<string[]> {
  const entries = await readdir(root, { recursive: true, withFileTypes: true })
  return entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name))
}

describe('locks', () => {
  it('of a living restic stand in the way of a prune, and are not cleared', async () => {
    await fixture.init()
    const { run, controller } = await endlessBackup(fixture)
    await resticFailure('repository_locked', pruneRepository(fixture.restic))
    const { cleared, left } = await clearDeadLocks(fixture.restic)
    expect(cleared).toEqual([])
    expect(left).toMatchObject([{ isDead: false, because: 'owner_lives', isExclusive: false }])
    expect(await fixture.locks()).toEqual([left[0]!.id])
    controller.abort(new Error('enough'))
    await expect(run).rejects.toThrow('enough')
  })

  it('are gone when a backup is stopped, and restic with them', async () => {
    await fixture.init()
    const { run, process, controller } = await endlessBackup(fixture)
    controller.abort(new Error('enough'))
    await expect(run).rejects.toThrow('enough')
    expect(await isAlive(process)).toBe(false)
    expect(await fixture.locks()).toEqual([])
    expect(await listSnapshots(fixture.restic)).toEqual([])
  })

  it('left by a stop in the very moment of locking are cleared by the rule', async () => {
    await fixture.init()
    await makeFiles(fixture.home, { a: '1' })
    const controller = new AbortController()
    const run = backup({ signal: controller.signal })
    run.catch(() => undefined)
    await expect.poll(fixture.locks, { interval: 1, timeout: 20_000 }).not.toEqual([])
    controller.abort(new Error('enough'))
    await expect(run).rejects.toThrow('enough')
    await clearDeadLocks(fixture.restic)
    expect(await fixture.locks()).toEqual([])
  })

  it('of a killed restic stay, and are cleared by the rule', async () => {
    await fixture.init()
    const { run, process } = await endlessBackup(fixture)
    await signalProcess(process, 'SIGKILL')
    await resticFailure('interrupted', run)
    expect(await listLocks(fixture.restic)).toMatchObject([{ isDead: true, because: 'owner_gone', pid: process.pid }])
    await resticFailure('repository_locked', pruneRepository(fixture.restic))
    const { cleared, left } = await clearDeadLocks(fixture.restic)
    expect(cleared).toHaveLength(1)
    expect(left).toEqual([])
    expect(await fixture.locks()).toEqual([])
    await pruneRepository(fixture.restic)
  })
})

describe('deadlines', () => {
  it('stop a restic that makes no progress, without a lock', async () => {
    await fixture.init()
    const stuck = await fixture.with({ password: { command: ['sleep', '30'] } })
    const error = await resticFailure(
      'timed_out',
      listSnapshots(stuck, { deadlines: { idleMs: 1500, totalMs: 60_000 } }),
    )
    expect(error.message).toContain('no progress')
    expect(error.code).toBe('deadline_exceeded')
  })

  it('stop one that takes too long in all, by SIGINT', async () => {
    await fixture.init()
    await makeFiles(fixture.home, { 'a.bin': randomBytes(8 * 1024 * 1024) })
    const slow = await fixture.with({ bandwidth: { uploadKiBps: 64 } })
    const options = { directory: fixture.home, host: HOST, tags: [TAG], deadlines: { totalMs: 3000 } }
    const { message } = await resticFailure('timed_out', backUp(slow, options))
    expect(message).toBe('restic backup failed: it was not done within 3 s and was stopped.')
    expect(await fixture.locks()).toEqual([])
  })
})

describe('damage', () => {
  it('of any one bit in a pack is found by a check that reads, and by restoring', async () => {
    await fixture.init()
    await makeFiles(fixture.home, { a: randomBytes(100_000), b: 'x' })
    const { pointId } = await backup()
    const packs = await filesBelow(join(fixture.repository, 'data'))
    expect(packs.length).toBeGreaterThanOrEqual(2)
    for (const pack of packs) {
      const sound = await readFile(pack)
      const at = Math.floor(sound.length / 3)
      const bad = Buffer.from(sound)
      bad.writeUInt8(sound.readUInt8(at) ^ 1, at)
      await chmod(pack, 0o600)
      await writeFile(pack, bad)
      const result = await checkRepository(fixture.restic, { depth: 'all' })
      expect(result.isSound).toBe(false)
      expect(!result.isSound && result.findings.length).toBeGreaterThan(0)
      await writeFile(pack, sound)
    }
    expect(await checkRepository(fixture.restic, { depth: 'all' })).toEqual({ isSound: true })
    for (const pack of packs) {
      const bad = await readFile(pack)
      bad.writeUInt8(bad.readUInt8(20) ^ 1, 20)
      await writeFile(pack, bad)
    }
    await rm(join(fixture.folder, 'cache'), { recursive: true })
    const into = await target()
    await resticFailure('corrupted', restorePoint(fixture.restic, { point: pointId, target: into }))
  })

  it('of a point’s own record is a failure, never a shorter list', async () => {
    await fixture.init()
    await makeFiles(fixture.home, { a: '1' })
    await backup()
    const { pointId } = await backup()
    const record = join(fixture.repository, 'snapshots', pointId)
    await chmod(record, 0o600)
    await writeFile(record, 'nonsense')
    await rm(join(fixture.folder, 'cache'), { recursive: true })
    await resticFailure('corrupted', listSnapshots(fixture.restic))
    await resticFailure('corrupted', forgetByRules(fixture.restic, { host: HOST, keep: { last: 1 } }))
    expect((await checkRepository(fixture.restic, { depth: 'structure' })).isSound).toBe(false)
  })
})

describe('a full disk', () => {
  it('is no_space for a backup; points can still be listed and restored', async () => {
    const disk = join(fixture.folder, 'disk')
    await mkdir(disk)
    await runTool('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk])
    try {
      const full = await fixture.with({ repository: join(disk, 'repository') })
      await initRepository(full)
      await makeFiles(fixture.home, { small: 'kept' })
      const { pointId } = await backUp(full, { directory: fixture.home, host: HOST, tags: [TAG] })
      await makeFiles(fixture.home, { 'large.bin': randomBytes(16 * 1024 * 1024) })
      await resticFailure('no_space', backUp(full, { directory: fixture.home, host: HOST, tags: [TAG] }))
      await runTool('sh', ['-c', 'cat /dev/zero > "$0/filler" || true', disk])
      expect((await listSnapshots(full)).map(({ id }) => id)).toEqual([pointId])
      const into = await target()
      await resticFailure('no_space', restorePoint(full, { point: pointId, target: into }))
      const lockless = await restorePoint(full, { point: pointId, target: await target('other'), isLockless: true })
      expect(lockless).toEqual({ bytes: 4, entries: 1 })
    } finally {
      await runTool('umount', [disk])
    }
  })
})
