import { chmod, lstat, mkdir, readdir, readFile, readlink, symlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import type { MadePoint, PointRepository, Repositories } from '../../host-daemon/backups/point-repository.ts'
import type { HomeTree } from '../../host-daemon/drivers/vm-driver.ts'
import { isErrorCode } from '../../src-shared/error.ts'
import { environmentIdSchema, recoveryPointIdSchema, type RecoveryPointId } from '../../src-shared/model/ids.ts'
import type { PointEntry } from '../../src-shared/model/recovery-point.ts'
import { temporaryFolder } from '../support/edge.ts'

/** Repositories under test, and the trouble that they are put to. */
export interface RepositoriesSubject {
  readonly repositories: Repositories
  /** Makes a new repository cost less to open, where that costs much; it is the same otherwise. */
  readonly lighten?: (location: string) => Promise<void>
  /** Somebody takes the whole repository away. */
  readonly remove: (location: string) => Promise<void>
  /** One bit of what it keeps is not as it was written. */
  readonly damage: (location: string) => Promise<void>
  /** Whoever used it was killed. */
  readonly leaveDeadLock: (location: string) => Promise<void>
  /** That folder as a tree that can be filled. */
  readonly treeAt: (path: string) => Promise<HomeTree>
  readonly dispose: () => Promise<void>
}

export interface RepositoriesUnderTest {
  readonly makeSubject: () => Promise<RepositoriesSubject>
  /** Its calls are answered by processes of their own, which are told of. */
  readonly hasProcesses: boolean
}

const ENV = environmentIdSchema.parse('env-0000000a')
const OTHER = environmentIdSchema.parse('env-0000000b')
const UNKNOWN = recoveryPointIdSchema.parse('0'.repeat(64))
const TAGS = ['quiesced', 'operation=op-00000000000000a1']
const MADE = { environmentId: ENV, tags: TAGS, homeBytes: 1024 ** 3 }
const A_TIME = new Date('2021-03-04T05:06:07.000Z')
/** Names that mean something to whoever takes them for a pattern. */
const ODD = ['a*b', '**', '[x]', 'q?', 'back\\slash', '!not', '-dash', 'new\nline', 'plain']

type Files = Readonly<Record<string, string>>

/** What every `Repositories` does, whatever keeps it. */
export function describeRepositories(name: string, { makeSubject, hasProcesses }: RepositoriesUnderTest): void {
  describe(name, () => {
    let folder: Awaited<ReturnType<typeof temporaryFolder>>
    let subject: RepositoriesSubject
    let trees = 0

    const signal = new AbortController().signal
    const call = { signal }

    const emptyTree = async (): Promise<HomeTree> => {
      trees += 1
      const path = join(folder.path, `tree-${trees}`)
      await mkdir(path)
      return await subject.treeAt(path)
    }
    const treeOf = async (files: Files): Promise<HomeTree> => {
      const tree = await emptyTree()
      await lay(tree.path, files)
      return tree
    }
    const backUp = (repository: PointRepository, tree: HomeTree, over: { environmentId?: typeof ENV } = {}) =>
      repository.backUp(tree, { ...call, ...MADE, onProgress: () => undefined, ...over })
    const prepared = async (environmentId = ENV): Promise<PointRepository> => {
      const repository = subject.repositories.of(environmentId)
      await repository.prepare(call)
      await subject.lighten?.(repository.location)
      return repository
    }

    const setUp = async (): Promise<void> => {
      folder = await temporaryFolder()
      subject = await makeSubject()
    }
    const tearDown = async (): Promise<void> => {
      await subject.dispose()
      await folder.remove()
    }

    describe('a point', () => {
      let repository: PointRepository
      let point: MadePoint
      let tree: HomeTree
      const told: string[] = []

      beforeAll(async () => {
        await setUp()
        repository = await prepared()
        tree = await treeOf({
          'notes.txt': 'hello',
          'deep/er/b.bin': 'x'.repeat(5000),
          'deeper/c': 'c',
          ...Object.fromEntries(ODD.map((odd) => [`odd/${odd}`, odd])),
        })
        await chmod(join(tree.path, 'notes.txt'), 0o4751)
        await symlink('notes.txt', join(tree.path, 'link'))
        await symlink('deep', join(tree.path, 'way'))
        await mkdir(join(tree.path, 'empty'))
        await utimes(join(tree.path, 'notes.txt'), A_TIME, A_TIME)
        point = await repository.backUp(tree, {
          ...call,
          ...MADE,
          onProgress: ({ doneBytes, totalBytes }) => void told.push(`${doneBytes}/${totalBytes}`),
          onChild: ({ pid }) => void told.push(`child ${pid > 1 ? 'told' : 'odd'}`),
        })
      })
      afterAll(tearDown)

      it('has a full id, its tags, its environment and the path of its tree, and is listed so', async () => {
        expect(point).toMatchObject({ environment: ENV, path: tree.pathInside, tags: TAGS, unreadableCount: 0 })
        expect(recoveryPointIdSchema.parse(point.id)).toBe(point.id)
        const { id, takenAt, environment, path, tags } = point
        const listed = await repository.list({ ...call, environmentId: ENV })
        expect(listed).toEqual([{ id, takenAt, environment, path, tags }])
        expect(listed.filter((one) => one.tags.includes(TAGS[1]!))).toHaveLength(1)
        expect(await repository.list({ ...call, environmentId: OTHER })).toEqual([])
        expect(await subject.repositories.at(repository.location).list({ ...call, environmentId: ENV })).toEqual(listed)
      })

      it('tells how far it is, in whole bytes, and of its process', () => {
        expect(told.some((line) => line.includes('/'))).toBe(true)
        if (hasProcesses) expect(told).toContain('child told')
        for (const line of told.filter((each) => each.includes('/'))) expect(line).toMatch(/^\d+\/(?:\d+|null)$/)
        expect(Number.isInteger(point.addedBytes) && Number.isInteger(point.durationMs)).toBe(true)
      })

      it('tells all that is in it, parents first, with types, sizes, times and permission bits', async () => {
        const entries: PointEntry[] = []
        const onEntry = (entry: PointEntry): void => void entries.push(entry)
        const count = await repository.listEntries({ ...call, point: point.id, onEntry })
        expect(count).toBe(entries.length)
        const paths = entries.map(({ path }) => path)
        expect(new Set(paths)).toEqual(new Set(await pathsBelow(tree.path)))
        for (const [at, path] of paths.entries()) {
          const parent = path.slice(0, path.lastIndexOf('/'))
          if (parent !== '') expect(paths.slice(0, at)).toContain(parent)
        }
        const by = Object.fromEntries(entries.map((entry) => [entry.path, entry]))
        expect(by['/notes.txt']).toEqual({
          path: '/notes.txt',
          type: 'file',
          bytes: 5,
          modifiedAt: A_TIME.getTime(),
          mode: 0o4751,
        })
        expect([by['/deep'], by['/link']]).toMatchObject([
          { type: 'directory', bytes: 0 },
          { type: 'symlink', bytes: 0 },
        ])
      })

      it('has the size of what a restore makes', async () => {
        const { bytes, entries } = await repository.sizeOf({ ...call, point: point.id })
        expect(entries).toBe((await pathsBelow(tree.path)).length)
        expect(bytes).toBe(5 + 5000 + 1 + ODD.join('').length)
      })

      it('ends its listing with the failure of whoever reads it', async () => {
        const onEntry = (): Promise<void> => Promise.reject(new Error('no more'))
        await expect(repository.listEntries({ ...call, point: point.id, onEntry })).rejects.toThrow('no more')
      })

      const fill = async (paths?: readonly string[], id: RecoveryPointId = point.id) => {
        const into = await emptyTree()
        const size = { bytes: 5006, entries: 16 }
        const moved: number[] = []
        const onProgress = ({ doneBytes }: { doneBytes: number }): void => void moved.push(doneBytes)
        await repository.fill(into, { ...call, point: id, size, onProgress, ...(paths === undefined ? {} : { paths }) })
        expect(Math.max(0, ...moved)).toBeLessThanOrEqual(5006 + ODD.join('').length)
        return into.path
      }

      it('fills an empty tree with all of it as it was', async () => {
        const into = await fill()
        expect(await pathsBelow(into)).toEqual(await pathsBelow(tree.path))
        for (const path of await pathsBelow(tree.path))
          expect(await factsOf(into, path)).toEqual(await factsOf(tree.path, path))
      })

      it.each([[['/notes.txt']], [['/deep']], [['/deep/er/b.bin', '/link']], [['/empty']], [['/deep', '/deep/er']]])(
        'fills a tree with %j alone',
        async (paths) => {
          const into = await fill(paths)
          const wanted = (await pathsBelow(tree.path)).filter((path) => paths.some((given) => isAround(path, given)))
          expect(await pathsBelow(into)).toEqual(wanted)
        },
      )

      it.each(ODD)('fills a tree with the file %j and no other', async (odd) => {
        const into = await fill([`/odd/${odd}`])
        expect(await readdir(join(into, 'odd'))).toEqual([odd])
        expect(await readFile(join(into, 'odd', odd), 'utf8')).toBe(odd)
      })

      it.each([
        [['/absent']],
        [['/notes.txt', '/absent']],
        [['/notes']],
        [['/n*']],
        [['/way/er']],
        [['/notes.txt/x']],
        [['/link/../notes.txt2']],
      ])('is not said to be restored where %j is not in it', async (paths) => {
        await expect(fill(paths)).rejects.toMatchObject({
          code: expect.stringMatching(/^(?:not_found|invalid_request)$/) as string,
        })
      })

      it.each([['', 'notes.txt', '/', '/../notes.txt', '/deep//er', '/./notes.txt', '/a\0b']].flat())(
        'refuses %j for a path',
        async (path) => {
          await expect(fill([path])).rejects.toMatchObject({ code: 'invalid_request' })
        },
      )

      it('does not fill a tree that holds something', async () => {
        const into = await treeOf({ precious: 'kept' })
        const size = { bytes: 1, entries: 1 }
        const filling = repository.fill(into, { ...call, point: point.id, size, onProgress: () => undefined })
        await expect(filling).rejects.toMatchObject({ code: 'invalid_request' })
        expect(await readdir(into.path)).toEqual(['precious'])
      })

      it('that is not there is `no_recovery_point` to every call', async () => {
        const about = { ...call, point: UNKNOWN }
        await failsWith('no_recovery_point', repository.sizeOf(about))
        await failsWith('no_recovery_point', repository.listEntries({ ...about, onEntry: () => undefined }))
        await failsWith('no_recovery_point', fill(undefined, UNKNOWN))
        await failsWith('no_recovery_point', fill(['/notes.txt'], UNKNOWN))
      })

      it('is not asked for once the caller has given up', async () => {
        const aborted = { signal: AbortSignal.abort(new Error('given up')) }
        const onProgress = (): void => undefined
        const size = { bytes: 1, entries: 1 }
        const into = await emptyTree()
        const calls = [
          () => repository.prepare(aborted),
          () => repository.clearDeadLocks(aborted),
          () => repository.list({ ...aborted, environmentId: ENV }),
          () => repository.sizeOf({ ...aborted, point: point.id }),
          () => repository.listEntries({ ...aborted, point: point.id, onEntry: () => undefined }),
          () => repository.backUp(tree, { ...aborted, ...MADE, onProgress }),
          () => repository.fill(into, { ...aborted, point: point.id, size, onProgress }),
          () => repository.forget({ ...aborted, points: [point.id] }),
          () => repository.prune({ ...aborted, environmentId: ENV, keep: { last: 1 } }),
          () => repository.check({ ...aborted, depth: 'structure' }),
        ]
        for (const each of calls) await expect(each()).rejects.toThrow('given up')
        expect(await repository.list({ ...call, environmentId: ENV })).toHaveLength(1)
      })
    })

    describe('a repository', () => {
      beforeEach(setUp)
      afterEach(tearDown)

      it('is missing until it is prepared, which can be done again, and belongs to one environment', async () => {
        const repository = subject.repositories.of(ENV)
        expect(subject.repositories.of(OTHER).location).not.toBe(repository.location)
        await failsWith('repository_missing', repository.list({ ...call, environmentId: ENV }))
        await repository.prepare(call)
        const { id } = await backUp(repository, await treeOf({ a: '1' }))
        await repository.prepare(call)
        expect((await repository.list({ ...call, environmentId: ENV })).map((point) => point.id)).toEqual([id])
      })

      it('keeps what the rules keep, of that environment, and all of another', async () => {
        const repository = await prepared()
        const tree = await treeOf({ a: '1' })
        const made: RecoveryPointId[] = []
        for (const content of ['1', '2', '3']) {
          await writeFile(join(tree.path, 'a'), content)
          made.push((await backUp(repository, tree)).id)
        }
        const foreign = await backUp(repository, tree, { environmentId: OTHER })
        const listed = await repository.list({ ...call, environmentId: ENV })
        expect(listed.map(({ id }) => id)).toEqual(made)
        const { kept, forgotten } = await repository.prune({ ...call, environmentId: ENV, keep: { last: 2 } })
        expect([new Set(kept), forgotten]).toEqual([new Set(made.slice(1)), made.slice(0, 1)])
        const left = await repository.list({ ...call, environmentId: ENV })
        expect(left.map(({ id }) => id)).toEqual(made.slice(1))
        expect((await repository.list({ ...call, environmentId: OTHER })).map(({ id }) => id)).toEqual([foreign.id])
        expect(await repository.prune({ ...call, environmentId: ENV, keep: { last: 2 } })).toMatchObject({
          forgotten: [],
        })
        expect(await repository.check({ ...call, depth: 'all' })).toEqual({ isSound: true, findings: [] })
      })

      it('forgets the points that it is told, and no others, however often it is told', async () => {
        const repository = await prepared()
        const tree = await treeOf({ a: '1' })
        const made: RecoveryPointId[] = []
        for (let times = 0; times < 3; times += 1) made.push((await backUp(repository, tree)).id)
        const ids = async () => (await repository.list({ ...call, environmentId: ENV })).map(({ id }) => id)
        await repository.forget({ ...call, points: [] })
        expect(await ids()).toEqual(made)
        const points = [made[1]!, UNKNOWN]
        for (let times = 0; times < 2; times += 1) await repository.forget({ ...call, points })
        expect(await ids()).toEqual([made[0], made[2]])
        await subject.leaveDeadLock(repository.location)
        await failsWith('repository_locked', repository.forget({ ...call, points: made.slice(0, 1) }))
        expect(await ids()).toEqual([made[0], made[2]])
        expect(await repository.clearDeadLocks(call)).toBe(1)
        expect(await repository.check({ ...call, depth: 'all' })).toEqual({ isSound: true, findings: [] })
      })

      it('that is damaged is found so by a check, which is an answer', async () => {
        const repository = await prepared()
        await backUp(repository, await treeOf({ a: 'content' }))
        expect(await repository.check({ ...call, depth: { part: 1, of: 1 } })).toEqual({ isSound: true, findings: [] })
        await subject.damage(repository.location)
        const { isSound, findings } = await repository.check({ ...call, depth: 'all' })
        expect([isSound, findings.length > 0]).toEqual([false, true])
      })

      it('that somebody took away is missing to every call', async () => {
        const repository = await prepared()
        const tree = await treeOf({ a: '1' })
        const { id: point } = await backUp(repository, tree)
        await subject.remove(repository.location)
        const onProgress = (): void => undefined
        const fill = { ...call, point, size: { bytes: 1, entries: 1 }, onProgress }
        await failsWith('repository_missing', repository.list({ ...call, environmentId: ENV }))
        await failsWith('repository_missing', backUp(repository, tree))
        await failsWith('repository_missing', repository.fill(await emptyTree(), fill))
        await failsWith('repository_missing', repository.sizeOf({ ...call, point }))
        await failsWith('repository_missing', repository.check({ ...call, depth: 'structure' }))
        await failsWith('repository_missing', repository.forget({ ...call, points: [point] }))
        await failsWith('repository_missing', repository.prune({ ...call, environmentId: ENV, keep: { last: 1 } }))
        await failsWith('repository_missing', repository.clearDeadLocks(call))
      })

      it('that a dead owner has locked is locked to whoever needs it alone, until dead locks are cleared', async () => {
        const repository = await prepared()
        const tree = await treeOf({ a: '1' })
        const { id } = await backUp(repository, tree)
        expect(await repository.clearDeadLocks(call)).toBe(0)
        await subject.leaveDeadLock(repository.location)
        await failsWith('repository_locked', repository.prune({ ...call, environmentId: ENV, keep: { last: 1 } }))
        await failsWith('repository_locked', repository.check({ ...call, depth: 'structure' }))
        const ids = async () => (await repository.list({ ...call, environmentId: ENV })).map((point) => point.id)
        expect(await ids()).toContain(id)
        expect(await repository.clearDeadLocks(call)).toBe(1)
        expect(await repository.clearDeadLocks(call)).toBe(0)
        expect(await repository.check({ ...call, depth: 'structure' })).toMatchObject({ isSound: true })
      })
    })
  })
}

async function failsWith(code: string, promise: Promise<unknown>): Promise<void> {
  expect(isErrorCode(code)).toBe(true)
  const outcome: unknown = await promise.then(
    () => 'no failure',
    (error: unknown) => error,
  )
  expect(outcome).toMatchObject({
    code,
    message: expect.stringMatching(/\.$/) as string,
    hint: expect.stringMatching(/\.$/) as string,
  })
}

async function lay(root: string, files: Files): Promise<void> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(root, name, '..'), { recursive: true })
    await writeFile(join(root, name), content)
  }
}

/** Sorted, from the root, `/` first. */
async function pathsBelow(root: string): Promise<string[]> {
  const found: string[] = []
  const look = async (folder: string): Promise<void> => {
    for (const entry of await readdir(join(root, folder), { withFileTypes: true })) {
      found.push(`${folder}/${entry.name}`)
      if (entry.isDirectory()) await look(`${folder}/${entry.name}`)
    }
  }
  await look('')
  return found.sort()
}

/** A path that is given, in a folder that is given, or a folder on the way to what is given. */
function isAround(path: string, given: string): boolean {
  return path === given || path.startsWith(`${given}/`) || given.startsWith(`${path}/`)
}

async function factsOf(root: string, path: string): Promise<Record<string, unknown>> {
  const at = join(root, path)
  const stat = await lstat(at)
  if (stat.isSymbolicLink()) return { target: await readlink(at) }
  const mode = stat.mode & 0o7777
  if (stat.isDirectory()) return { mode }
  return { mode, content: await readFile(at, 'latin1'), modifiedAt: Math.floor(stat.mtimeMs) }
}
