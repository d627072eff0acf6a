import { createHash, randomBytes } from 'node:crypto'
import { chmod, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest'
import { recoveryPointIdSchema, type RecoveryPointId } from '../../src-shared/model/ids.ts'
import { backUp } from '../../host-daemon/backups/restic/backup.ts'
import { checkRepository } from '../../host-daemon/backups/restic/check.ts'
import { forgetByRules, forgetPoints } from '../../host-daemon/backups/restic/forget.ts'
import { initRepository } from '../../host-daemon/backups/restic/init.ts'
import { listPoint, type PointEntry } from '../../host-daemon/backups/restic/ls.ts'
import { pruneRepository } from '../../host-daemon/backups/restic/prune.ts'
import { restorePoint } from '../../host-daemon/backups/restic/restore.ts'
import { listSnapshots } from '../../host-daemon/backups/restic/snapshots.ts'
import { sizeOfPoint } from '../../host-daemon/backups/restic/stats.ts'
import { readVersion } from '../../host-daemon/backups/restic/version.ts'
import { processArguments } from '../../host-daemon/system/processes.ts'
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
const UNKNOWN = recoveryPointIdSchema.parse('0'.repeat(64))

/** Hash of every file below a folder, by its name as bytes. */
async function hashes(root: string): Promise<Record<string, string>> {
  const found: Record<string, string> = {}
  for (const name of await readdir(Buffer.from(root), { encoding: 'buffer' })) {
    const path = Buffer.concat([Buffer.from(`${root}/`), name])
    if ((await stat(path)).isFile())
      found[name.toString('latin1')] = createHash('sha256')
        .update(await readFile(path))
        .digest('hex')
  }
  return found
}

describe('a repository', () => {
  it('is made once, opened again, and not opened by another password', async () => {
    expect((await readVersion(fixture.restic)).minor).toBeGreaterThanOrEqual(14)
    const first = await initRepository(fixture.restic)
    expect(first.wasCreated).toBe(true)
    expect(await initRepository(fixture.restic)).toEqual({ ...first, wasCreated: false })
    await resticFailure('wrong_password', initRepository(await fixture.with({ password: 'other' })))
  })

  it('takes its password from a command, whose arguments stay whole', async () => {
    await fixture.init()
    const byCommand = await fixture.with({ password: { command: ['printf', '%s', 'right'] } })
    expect(await listSnapshots(byCommand)).toEqual([])
    const spaced = await fixture.with({
      password: { command: ['sh', '-c', 'test $1 = $2 && echo $1', '-', 'right', 'right'] },
    })
    expect(await listSnapshots(spaced)).toEqual([])
    await expect(fixture.with({ password: { command: ['echo', "it's"] } })).rejects.toThrow('quotes')
  })

  it('tells a missing one, a wrong password, a missing password and a missing server apart', async () => {
    await fixture.init()
    await resticFailure(
      'repository_missing',
      listSnapshots(await fixture.with({ repository: join(fixture.folder, 'none') })),
    )
    await resticFailure('wrong_password', listSnapshots(await fixture.with({ password: 'other' })))
    const lost = await fixture.with({ password: 'lost' })
    await rm(join(fixture.folder, 'password-lost'))
    expect((await resticFailure('wrong_password', listSnapshots(lost))).message).toContain('could not be had')
    await resticFailure(
      'network_unreachable',
      listSnapshots(await fixture.with({ repository: 'rest:http://127.0.0.1:9/home/' })),
    )
    await resticFailure(
      'network_unreachable',
      listSnapshots(await fixture.with({ repository: 'sftp:nobody@127.0.0.1:/home' })),
    )
    const absent = await resticFailure('unexpected', listSnapshots(await fixture.with({ program: 'no-such-restic' })))
    expect(absent.hint).toContain('Install restic')
  })

  it('gives the password to nobody who looks at restic', async () => {
    await fixture.init()
    const { process, controller, run } = await endlessBackup(fixture)
    const environment = await readFile(`/proc/${process.pid}/environ`, 'utf8')
    expect(environment).toContain(`RESTIC_PASSWORD_FILE=${join(fixture.folder, 'password-right')}`)
    expect(environment.split('\0')).not.toContain('right')
    expect(environment).not.toMatch(/RESTIC_PASSWORD=/)
    expect(await processArguments(process.pid)).not.toContain('right')
    controller.abort(new Error('seen'))
    await expect(run).rejects.toThrow('seen')
  })
})

describe('points', () => {
  it('are made, listed, sized, restored whole, and forgotten', async () => {
    await fixture.init()
    await makeFiles(fixture.home, { 'notes.txt': 'hello', 'deep/er/b.bin': randomBytes(300_000) })
    const progress: number[] = []
    const made = await backup({ onProgress: ({ bytesDone }) => progress.push(bytesDone) })
    expect(made).toMatchObject({ unreadableCount: 0, unreadable: [], filesNew: 2, bytesProcessed: 300_005 })
    expect(progress.length).toBeGreaterThan(0)
    const second = await backup()
    expect(second).toMatchObject({ filesNew: 0, filesUnmodified: 2 })

    const snapshots = await listSnapshots(fixture.restic, { host: HOST, tags: [TAG], path: fixture.home })
    expect(snapshots.map(({ id }) => id)).toEqual([made.pointId, second.pointId])
    expect(snapshots[1]).toMatchObject({ host: HOST, tags: [TAG], paths: [fixture.home], parent: made.pointId })
    expect(await listSnapshots(fixture.restic, { path: '/elsewhere' })).toEqual([])

    const entries: PointEntry[] = []
    const onEntry = (entry: PointEntry): void => void entries.push(entry)
    expect(await listPoint(fixture.restic, { point: made.pointId, onEntry })).toBe(4)
    expect(entries.find(({ path }) => path === '/deep/er/b.bin')).toMatchObject({ type: 'file', size: 300_000 })
    expect(await sizeOfPoint(fixture.restic, { point: made.pointId })).toEqual({ bytes: 300_005, entries: 4 })

    const into = await target()
    expect(await restorePoint(fixture.restic, { point: made.pointId, target: into })).toEqual({
      bytes: 300_005,
      entries: 4,
    })
    expect(await hashes(join(into, 'deep/er'))).toEqual(await hashes(join(fixture.home, 'deep/er')))

    await forgetPoints(fixture.restic, { points: [made.pointId, UNKNOWN] })
    expect((await listSnapshots(fixture.restic)).map(({ id }) => id)).toEqual([second.pointId])
    await pruneRepository(fixture.restic)
    expect(await checkRepository(fixture.restic, { depth: 'all' })).toEqual({ isSound: true })
    expect(await checkRepository(fixture.restic, { depth: { part: 1, of: 3 } })).toEqual({ isSound: true })
    const gone = { point: made.pointId }
    await resticFailure('no_such_snapshot', sizeOfPoint(fixture.restic, gone))
    await resticFailure('no_such_snapshot', listPoint(fixture.restic, { ...gone, onEntry }))
    await resticFailure('no_such_snapshot', restorePoint(fixture.restic, { ...gone, target: await target('none') }))
    expect(await fixture.locks()).toEqual([])
  })

  it('are kept by rules, those of another environment whatever the rules', async () => {
    await fixture.init()
    await makeFiles(fixture.home, { a: '1' })
    const other = await backup({ host: 'env-0000000b' as typeof HOST })
    const ids: RecoveryPointId[] = []
    for (const content of ['1', '2', '3']) {
      await writeFile(join(fixture.home, 'a'), content)
      ids.push((await backup()).pointId)
    }
    const result = await forgetByRules(fixture.restic, { host: HOST, keep: { last: 1 } })
    expect(result.kept).toEqual([ids[2]])
    expect(new Set(result.forgotten)).toEqual(new Set([ids[0], ids[1]]))
    expect((await listSnapshots(fixture.restic)).map(({ id }) => id)).toEqual([other.pointId, ids[2]])
    await expect(forgetByRules(fixture.restic, { host: HOST, keep: {} })).rejects.toThrow('everything')
  })

  it('are incomplete when a file cannot be read, and say which', async () => {
    await fixture.init()
    await makeFiles(fixture.home, { readable: 'yes', secret: 'no' })
    const unreadable = join(fixture.home, 'secret')
    await chmod(unreadable, 0)
    // Root may read everything: restic runs as nobody, by way of a wrapper that gives up the right to.
    const program = join(fixture.folder, 'restic-as-nobody')
    await writeFile(
      program,
      '#!/bin/sh\nexec setpriv --bounding-set=-all --inh-caps=-all --reuid=65534 --regid=65534 --clear-groups restic "$@"\n',
      {
        mode: 0o755,
      },
    )
    for (const path of [fixture.repository, fixture.folder, join(fixture.folder, 'cache')]) {
      await mkdir(path, { recursive: true })
      await runTool('chown', ['-R', '65534', path])
    }
    await runTool('chown', ['0', unreadable])
    const asNobody = await fixture.with({ program })
    const made = await backUp(asNobody, { directory: fixture.home, host: HOST, tags: [TAG] })
    expect(made.unreadableCount).toBe(1)
    expect(made.unreadable.map((path) => path.split('/').at(-1))).toEqual(['secret'])
    expect(await sizeOfPoint(fixture.restic, { point: made.pointId })).toEqual({ bytes: 3, entries: 1 })
  })

  it('keep names of any bytes', async () => {
    await fixture.init()
    await makeFiles(fixture.home, {})
    const names = [
      Buffer.from('a\nb\x1b[31m'),
      Buffer.alloc(255, 'x'),
      Buffer.from([0x66, 0xff, 0xfe]),
      Buffer.from('--help'),
    ]
    for (const name of names) await writeFile(Buffer.concat([Buffer.from(`${fixture.home}/`), name]), name)
    const { pointId, unreadableCount } = await backup()
    expect(unreadableCount).toBe(0)
    const into = await target()
    expect((await restorePoint(fixture.restic, { point: pointId, target: into })).entries).toBe(names.length)
    expect(await hashes(into)).toEqual(await hashes(fixture.home))
    expect(Object.keys(await hashes(into))).toHaveLength(names.length)
  })

  it('listing waits for its reader and ends with its failure, leaving no lock', async () => {
    await fixture.init()
    await makeFiles(fixture.home, Object.fromEntries(Array.from({ length: 2000 }, (_, index) => [`file-${index}`, ''])))
    const { pointId } = await backup()
    const onEntry = (): Promise<void> => Promise.reject(new Error('no more'))
    await expect(listPoint(fixture.restic, { point: pointId, onEntry })).rejects.toThrow('no more')
    expect(await fixture.locks()).toEqual([])
  })
})

describe('what never reaches restic', () => {
  const HOSTILE = [
    '',
    'l',
    'latest',
    '--help',
    '-',
    'A'.repeat(64),
    'a'.repeat(63),
    'a'.repeat(65),
    `${'a'.repeat(64)}\n`,
  ]

  it.each(HOSTILE)('the id %j', async (id) => {
    const log = join(fixture.folder, 'argv')
    const program = join(fixture.folder, 'recording-restic')
    await writeFile(program, `#!/bin/sh\necho "$@" >> ${log}\n`, { mode: 0o755 })
    const restic = await fixture.with({ program })
    const point = id as RecoveryPointId
    const into = await target()
    await expect(restorePoint(restic, { point, target: into })).rejects.toThrow()
    await expect(sizeOfPoint(restic, { point })).rejects.toThrow()
    await expect(listPoint(restic, { point, onEntry: () => undefined })).rejects.toThrow()
    await expect(forgetPoints(restic, { points: [point] })).rejects.toThrow()
    await expect(readFile(log)).rejects.toThrow('ENOENT')
  })

  it('a target that is not a fresh, empty folder', async () => {
    await fixture.init()
    await makeFiles(fixture.home, { a: '1' })
    const { pointId: point } = await backup()
    const into = await target()
    await writeFile(join(into, 'precious'), 'kept')
    for (const path of [into, join(into, 'precious'), join(fixture.folder, 'absent'), 'relative', ''])
      await expect(restorePoint(fixture.restic, { point, target: path })).rejects.toMatchObject({
        code: 'invalid_request',
      })
    expect(await readdir(into)).toEqual(['precious'])
  })
})
