import { randomBytes } from 'node:crypto'
import { mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { createResticRepositories, type ResticRepositoriesOptions } from '../../host-daemon/backups/repositories.ts'
import type { MadePoint, PointRepository, Repositories } from '../../host-daemon/backups/point-repository.ts'
import type { HomeTree } from '../../host-daemon/drivers/vm-driver.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import { PrivateRoom } from '../../host-daemon/system/private-room.ts'
import { isAlive, processArguments, signalProcess, type ProcessIdentity } from '../../host-daemon/system/processes.ts'
import { SystemRandom } from '../../host-daemon/system/random.ts'
import { environmentIdSchema } from '../../src-shared/model/ids.ts'
import { repositoryLocationSchema } from '../../src-shared/model/repository.ts'
import { never } from '../conformance/driver-subject.ts'
import { temporaryFolder } from '../support/edge.ts'
import { lightenKey } from '../support/restic-keys.ts'
import { TreeRooms } from '../support/tree-rooms.ts'

const ENV = environmentIdSchema.parse('env-0000000a')
const OTHER = environmentIdSchema.parse('env-0000000b')
const call = { signal: never }

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let rooms: TreeRooms
const running: { readonly controller: AbortController; readonly run: Promise<unknown> }[] = []

beforeEach(async () => {
  folder = await temporaryFolder()
  rooms = new TreeRooms(at('rooms'))
})
afterEach(async () => {
  for (const { controller } of running) controller.abort(new Error('The test is over.'))
  await Promise.allSettled(running.splice(0).map(({ run }) => run))
  await rooms.close()
  expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(folder.path)
  await folder.remove()
})

const at = (name: string): string => join(folder.path, name)

function repositories(over: Partial<ResticRepositoriesOptions> = {}): Repositories {
  return createResticRepositories({
    base: repositoryLocationSchema.parse(at('repositories')),
    isShared: false,
    password: { file: at('password'), isOurs: true },
    cacheDirectory: at('caches'),
    idleMs: 60_000,
    clock: new SystemClock(),
    random: new SystemRandom(),
    ...over,
  })
}

/** Makes the repository, as one that costs little to open. */
async function prepared(repository: PointRepository): Promise<void> {
  await repository.prepare(call)
  await lightenKey(repository.location, (await readFile(at('password'), 'utf8')).trimEnd())
}

async function tree(name: string, files: Readonly<Record<string, string | Buffer>> = {}): Promise<HomeTree> {
  await mkdir(at(name))
  for (const [file, content] of Object.entries(files)) await writeFile(join(at(name), file), content)
  return await rooms.treeAt(at(name))
}

function backUp(repository: PointRepository, from: HomeTree, over: object = {}): Promise<MadePoint> {
  const options = {
    ...call,
    environmentId: ENV,
    tags: ['operation=op-00000000000000a1'],
    homeBytes: 1024 ** 3,
    onProgress: () => undefined,
  }
  return repository.backUp(from, { ...options, ...over })
}

const list = (repository: PointRepository, environmentId = ENV) => repository.list({ ...call, environmentId })
const failing = (code: string) => ({ code, message: expect.stringMatching(/\.$/) as string })

/** A backup that will not end for minutes; it holds a lock. */
async function endless(from: HomeTree): Promise<{ process: ProcessIdentity; run: Promise<unknown>; end: () => void }> {
  const controller = new AbortController()
  const child = Promise.withResolvers<ProcessIdentity>()
  const moving = Promise.withResolvers<undefined>()
  const slow = repositories({ bandwidth: { uploadKiBps: 64 } }).of(ENV)
  const onProgress = ({ doneBytes }: { doneBytes: number }): void =>
    doneBytes > 0 ? moving.resolve(undefined) : undefined
  const run = backUp(slow, from, { signal: controller.signal, onChild: child.resolve, onProgress })
  run.catch(() => undefined)
  running.push({ controller, run })
  await moving.promise
  return { process: await child.promise, run, end: () => controller.abort(new Error('enough')) }
}

describe('the password', () => {
  it('is made once, by whoever comes first, for the daemon alone, and kept', async () => {
    const made = repositories()
    await Promise.all([made.of(ENV).prepare(call), made.of(OTHER).prepare(call)])
    const password = await readFile(at('password'), 'utf8')
    expect(password).toMatch(/^[0-9a-f]{64}\n$/)
    expect((await stat(at('password'))).mode & 0o777).toBe(0o600)
    expect((await stat(at('repositories'))).mode & 0o077).toBe(0)
    await made.of(ENV).prepare(call)
    expect(await readFile(at('password'), 'utf8')).toBe(password)
    expect((await readdir(folder.path)).sort()).toEqual(['caches', 'password', 'repositories'])
    expect(await readdir(at('caches'))).toHaveLength(2)
  })

  it('that is gone is missed, and no other is made in its place', async () => {
    const repository = repositories().of(ENV)
    await prepared(repository)
    await rm(at('password'))
    const other = repositories().of(OTHER)
    for (const use of [() => repository.prepare(call), () => other.prepare(call), () => list(repository)])
      await expect(use()).rejects.toMatchObject(failing('wrong_password'))
    await expect(stat(at('password'))).rejects.toThrow('ENOENT')
  })

  it('that is another is wrong to every call, and in no message', async () => {
    const repository = repositories().of(ENV)
    await prepared(repository)
    await writeFile(at('password'), 'not-the-one\n')
    const calls = [
      () => repository.prepare(call),
      () => list(repository),
      () => repository.check({ ...call, depth: 'structure' }),
      () => repository.prune({ ...call, environmentId: ENV, keep: { last: 1 } }),
      () => repository.clearDeadLocks(call),
    ]
    for (const use of calls) {
      const error: unknown = await use().catch((reason: unknown) => reason)
      expect(error).toMatchObject(failing('wrong_password'))
      expect(JSON.stringify(error)).not.toContain('not-the-one')
    }
  })
})

describe('a place', () => {
  it('that all share has the points of each, and retention touches none of another', async () => {
    const shared = repositories({ isShared: true })
    const [one, other] = [shared.of(ENV), shared.of(OTHER)]
    expect([one.location, other.location]).toEqual([shared.base, shared.base])
    await prepared(one)
    await other.prepare(call)
    const home = await tree('home', { a: '1' })
    await backUp(one, home)
    await backUp(one, home)
    await backUp(other, home, { environmentId: OTHER })
    expect([(await list(one)).length, (await list(other, OTHER)).length]).toEqual([2, 1])
    await one.prune({ ...call, environmentId: ENV, keep: { last: 1 } })
    expect([(await list(one)).length, (await list(other, OTHER)).length]).toEqual([1, 1])
  })

  it.each(['rest:http://127.0.0.1:9/homes/', 'sftp:nobody@127.0.0.1:/homes', 's3:http://127.0.0.1:9/bucket/homes'])(
    '%s that does not answer is unreachable',
    async (base) => {
      const signal = AbortSignal.timeout(20_000)
      await writeFile(at('password'), 'known\n')
      const there = repositories({ base: repositoryLocationSchema.parse(base), password: { file: at('password') } })
      expect(there.isOnThisHost).toBe(false)
      const listing = there.of(ENV).list({ signal, environmentId: ENV })
      await expect(listing).rejects.toMatchObject(failing('repository_unreachable'))
    },
  )
})

describe('locks', () => {
  it('of one who lives hold up who needs it alone, and stay; of one who died they are cleared', async () => {
    const repository = repositories().of(ENV)
    await prepared(repository)
    const { process, run } = await endless(await tree('home', { 'a.bin': randomBytes(8 * 1024 * 1024) }))
    // The very process that was told of is restic, in the tree, by the same pid.
    expect((await processArguments(process.pid))?.[0]).toBe('restic')
    const prune = () => repository.prune({ ...call, environmentId: ENV, keep: { last: 1 } })
    await expect(prune()).rejects.toMatchObject(failing('repository_locked'))
    expect(await repository.clearDeadLocks(call)).toBe(0)
    await expect(repository.check({ ...call, depth: 'structure' })).rejects.toMatchObject(failing('repository_locked'))
    await signalProcess(process, 'SIGKILL')
    await expect(run).rejects.toMatchObject(failing('engine_failed'))
    await expect(prune()).rejects.toMatchObject(failing('repository_locked'))
    expect(await repository.clearDeadLocks(call)).toBe(1)
    await prune()
  })

  it('are gone once a backup was given up, with its process', async () => {
    const repository = repositories().of(ENV)
    await prepared(repository)
    const { process, run, end } = await endless(await tree('home', { 'a.bin': randomBytes(8 * 1024 * 1024) }))
    end()
    await expect(run).rejects.toThrow('enough')
    expect(await isAlive(process)).toBe(false)
    expect(await readdir(join(repository.location, 'locks'))).toEqual([])
    expect(await list(repository)).toEqual([])
  })
})

describe('trouble', () => {
  it('of a full disk is `storage_failed`; what is there can still be listed', async () => {
    const disk = await PrivateRoom.open({ folder: at('disk'), signal: never })
    try {
      const base = repositoryLocationSchema.parse(join(disk.seenFromOutside(disk.folder), 'repositories'))
      const repository = repositories({ base }).of(ENV)
      await prepared(repository)
      const { id } = await backUp(repository, await tree('small', { a: 'kept' }))
      const large = await tree('large', { 'a.bin': randomBytes(8 * 1024 * 1024) })
      await expect(backUp(repository, large)).rejects.toMatchObject(failing('storage_failed'))
      expect((await list(repository)).map((point) => point.id)).toEqual([id])
    } finally {
      await disk.close()
    }
  })

  it('of a full home that is filled is `storage_failed`', async () => {
    const repository = repositories().of(ENV)
    await prepared(repository)
    const { id: point } = await backUp(repository, await tree('large', { 'a.bin': randomBytes(8 * 1024 * 1024) }))
    const small = await PrivateRoom.open({ folder: at('small'), signal: never })
    try {
      await small.mount(['-o', 'remount,nosymfollow', '--', small.folder], never)
      const into = {
        path: small.seenFromOutside(small.folder),
        pathInside: small.folder,
        within: (program: readonly string[]) => small.within(program, small.folder),
      }
      const size = { bytes: 8 * 1024 * 1024, entries: 1 }
      const filling = repository.fill(into, { ...call, point, size, onProgress: () => undefined })
      await expect(filling).rejects.toMatchObject(failing('storage_failed'))
    } finally {
      await small.close()
    }
  })

  it('of a tree that is closed is said, and nothing is made', async () => {
    const repository = repositories().of(ENV)
    await prepared(repository)
    const home = await tree('home', { a: '1' })
    await rooms.close()
    const error = await backUp(repository, home).catch((reason: unknown) => reason)
    expect(error).toMatchObject({ code: 'engine_failed', message: expect.stringContaining('in the tree') as string })
    expect(await list(repository)).toEqual([])
  })

  it('of a restic that stands still is `deadline_exceeded`', async () => {
    const repository = repositories({ password: { command: ['sleep', '60'] }, idleMs: 1_500 }).of(ENV)
    await expect(repository.check({ ...call, depth: 'all' })).rejects.toMatchObject(failing('deadline_exceeded'))
  })
})
