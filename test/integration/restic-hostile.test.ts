import { cp, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createResticRepositories } from '../../host-daemon/backups/repositories.ts'
import type { PointRepository } from '../../host-daemon/backups/point-repository.ts'
import type { HomeTree } from '../../host-daemon/drivers/vm-driver.ts'
import { homeImagePath } from '../../host-daemon/drivers/qemu/handles.ts'
import { createHome } from '../../host-daemon/drivers/qemu/homes.ts'
import { runProgram } from '../../host-daemon/system/child.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import { checkFreshHome, withFreshHomeMounted } from '../../host-daemon/system/fresh-home.ts'
import { SystemRandom } from '../../host-daemon/system/random.ts'
import { environmentIdSchema, type RecoveryPointId } from '../../src-shared/model/ids.ts'
import { repositoryLocationSchema } from '../../src-shared/model/repository.ts'
import { never, newHomeId } from '../conformance/driver-subject.ts'
import { craftPoint, type CraftedNode } from '../support/crafted-repository.ts'
import { lightenKey } from '../support/restic-keys.ts'
import { runTool } from '../support/restic-fixture.ts'
import { TreeRooms } from '../support/tree-rooms.ts'

const ENV = environmentIdSchema.parse('env-0000000a')
const PASSWORD = 'secret'
const DIR = 0o755 + 2 ** 31
const call = { signal: never }

/** Made once: a repository takes longer to make than most of the tests do. */
let made: string
let folder: string
let rooms: TreeRooms
let repository: PointRepository
/** What nobody who restores may touch, beside the homes, and in the way of every link. */
let outside: string

beforeAll(async () => {
  made = await mkdtemp('/tmp/pilothouse-hostile-')
  await writeFile(join(made, 'password'), `${PASSWORD}\n`)
  await repositoryIn(made).prepare(call)
  await lightenKey(join(made, 'repositories', ENV), PASSWORD)
}, 60_000)
afterAll(() => rm(made, { recursive: true, force: true }))

beforeEach(async () => {
  folder = await mkdtemp('/tmp/pilothouse-hostile-')
  await cp(join(made, 'repositories'), join(folder, 'repositories'), { recursive: true })
  rooms = new TreeRooms(join(folder, 'rooms'))
  outside = join(folder, 'outside')
  await mkdir(outside, { mode: 0o700 })
  await writeFile(join(outside, 'file'), 'precious', { mode: 0o600 })
  await writeFile(join(folder, 'password'), `${PASSWORD}\n`)
  repository = repositoryIn(folder)
  await repository.prepare(call)
})
afterEach(async () => {
  await rooms.close()
  expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(folder)
  await rm(folder, { recursive: true, force: true })
})

function repositoryIn(path: string): PointRepository {
  return createResticRepositories({
    base: repositoryLocationSchema.parse(join(path, 'repositories')),
    isShared: false,
    password: { file: join(path, 'password') },
    cacheDirectory: join(path, 'caches'),
    idleMs: 60_000,
    clock: new SystemClock(),
    random: new SystemRandom(),
  }).of(ENV)
}

async function tree(name: string): Promise<HomeTree> {
  await mkdir(join(folder, name))
  return await rooms.treeAt(join(folder, name))
}

/** Everything about what is outside, and which names there are beside it. */
async function factsOutside(): Promise<unknown> {
  const about = async (path: string): Promise<unknown> => {
    const { mode, uid, gid, mtimeMs, ctimeMs, nlink } = await stat(path)
    return { mode, uid, gid, mtimeMs, ctimeMs, nlink }
  }
  const names = (await readdir(folder)).filter((name) => !name.startsWith('home'))
  const file = join(outside, 'file')
  return [await about(outside), await about(file), await readFile(file, 'utf8'), await readdir(outside), names.sort()]
}

async function fillWith(point: RecoveryPointId, into: HomeTree): Promise<unknown> {
  const options = { ...call, point, size: { bytes: 1, entries: 1 }, onProgress: () => undefined }
  return await repository.fill(into, options).then(
    () => 'filled',
    (error: unknown) => error,
  )
}

describe('a point that no restic would make', () => {
  const file = (name: string, content = 'evil'): CraftedNode => ({
    name,
    type: 'file',
    content,
    mode: 0o4777,
    uid: 1234,
  })
  const link = (name: string, linktarget: string): CraftedNode => ({ name, type: 'symlink', linktarget, mode: 0o777 })
  const dir = (name: string, children: readonly CraftedNode[]): CraftedNode => ({
    name,
    type: 'dir',
    mode: DIR,
    children,
  })
  const inner = [file('file', ''), file('new', ''), file('full'), link('l', 'x'), { name: 'p', type: 'fifo' } as const]

  /** `OUT` stands for the folder outside. */
  const POINTS: Record<string, readonly CraftedNode[]> = {
    'an empty file behind a link of its name': [link('s', 'OUT/file'), file('s', '')],
    'a new empty file behind a link of its name': [link('s', 'OUT/new'), file('s', '')],
    'a file behind a link of its name': [link('s', 'OUT/file'), file('s')],
    'a link behind a file of its name': [file('s'), link('s', 'OUT/file')],
    'a folder behind a link of its name': [link('d', 'OUT'), dir('d', inner)],
    'an empty folder behind a link of its name': [link('d', 'OUT'), dir('d', [])],
    'a link behind a folder of its name': [dir('d', inner), link('d', 'OUT')],
    'a link up, and a file behind it': [link('s', '../outside/file'), file('s', '')],
    'a chain of links': [link('a', 'OUT'), link('b', 'a/file'), file('b', '')],
    'names that go up': [file('../outside/new'), file('../new'), dir('..', [file('new')]), file('ok')],
    'names that are paths': [file('OUT/new'), file('a/../../outside/new'), dir('/', [file('new')]), file('ok')],
    'names that are none': [file(''), file('.'), dir('.', [file('new')]), file('ok')],
    'hard links through a link': [
      link('d', 'OUT'),
      { ...file('one'), inode: 7, links: 3 },
      dir('d', [{ ...file('two'), inode: 7, links: 3 }]),
    ],
    'devices of the host': [
      { name: 'null', type: 'chardev', device: 0x103, mode: 0o666 },
      file('null', ''),
      { name: 'disk', type: 'dev', device: 0x700, mode: 0o666 },
    ],
  }

  it.each(Object.entries(POINTS))('writes nothing outside the tree: %s', async (_name, nodes) => {
    const placed = JSON.parse(JSON.stringify(nodes).replaceAll('OUT', outside)) as CraftedNode[]
    const point = await craftPoint(repository.location, { password: PASSWORD, host: ENV, nodes: placed })
    expect(await repository.list({ ...call, environmentId: ENV })).toMatchObject([{ id: point }])
    const into = await tree('home')
    const before = await factsOutside()
    const outcome = await fillWith(point, into)
    expect(await factsOutside()).toEqual(before)
    if (outcome !== 'filled')
      expect(outcome).toMatchObject({ name: 'ResticFailure', message: expect.any(String) as string })
  })

  it('is not restored into a tree where links would be followed', async () => {
    const nodes = [link('s', join(outside, 'file')), file('s', '')]
    const point = await craftPoint(repository.location, { password: PASSWORD, host: ENV, nodes })
    const path = join(folder, 'home')
    await mkdir(path)
    const plain: HomeTree = { path, pathInside: path, within: (program) => ['env', `--chdir=${path}`, ...program] }
    const before = await factsOutside()
    expect(await fillWith(point, plain)).toMatchObject({ code: 'invalid_request' })
    expect([await factsOutside(), await readdir(path)]).toEqual([before, []])
  })
})

describe('a home that its guest filled with all that restic takes', () => {
  const NAMES = ['x'.repeat(255), 'new\nline \u001b[31m', '--target', '\u0001', '*', 'é'.repeat(127), '..\\..', ' ']

  async function layHostile(root: string): Promise<void> {
    for (const name of NAMES) await writeFile(join(root, name), name)
    await writeFile(Buffer.concat([Buffer.from(`${root}/`), Buffer.from([0x66, 0xff, 0xfe])]), 'bytes')
    await symlink(join(outside, 'file'), join(root, 'absolute'))
    await symlink('../../../../../../etc/passwd', join(root, 'up'))
    await symlink(outside, join(root, 'away'))
    await symlink('itself', join(root, 'itself'))
    await mkdir(join(root, 'deep/'.repeat(40)), { recursive: true })
    await writeFile(join(root, 'set-uid'), '#!', { mode: 0o4755 })
    for (const args of [
      ['mkfifo', 'fifo'],
      ['mknod', 'null', 'c', '1', '3'],
      ['mknod', 'loop', 'b', '7', '0'],
      ['ln', 'set-uid', 'linked'],
      ['truncate', '--size=64M', 'sparse'],
      ['chown', '12345:54321', 'set-uid'],
      ['chmod', '4755', 'set-uid'],
    ])
      await runTool('env', [`--chdir=${root}`, ...args])
  }

  it('is restored as it was into a new home, and nothing outside is touched', async () => {
    const home = async (name: string, work: (tree: HomeTree) => Promise<void>): Promise<string> => {
      const homeId = newHomeId()
      const homesDirectory = join(folder, name)
      await mkdir(homesDirectory)
      await createHome({ homesDirectory, clock: new SystemClock() }, { homeId, sizeMiB: 256 }, never)
      const image = homeImagePath(homesDirectory, homeId)
      await withFreshHomeMounted(image, { folder: join(folder, 'home-room'), signal: never }, work)
      await checkFreshHome(image, never)
      return image
    }
    let made: { id: RecoveryPointId; path: string } | undefined
    let facts: string[] = []
    await home('home-one', async (from) => {
      await layHostile(from.path)
      facts = await factsBelow(from.path)
      const options = {
        ...call,
        environmentId: ENV,
        tags: ['operation=op-00000000000000a1'],
        homeBytes: 1024 ** 3,
        onProgress: () => undefined,
      }
      const first = await repository.backUp(from, options)
      const second = await repository.backUp(from, options)
      expect(second.path).toBe(first.path)
      expect(second.addedBytes).toBeLessThan(first.addedBytes)
      made = second
    })
    const before = await factsOutside()
    await home('home-two', async (into) => {
      await rm(join(into.path, 'lost+found'), { recursive: true, force: true })
      expect(await fillWith(made!.id, into)).toBe('filled')
      expect(await factsBelow(into.path)).toEqual(facts)
      expect(await readlink(join(into.path, 'absolute'))).toBe(join(outside, 'file'))
    })
    expect(await factsOutside()).toEqual(before)
    const size = await repository.sizeOf({ ...call, point: made!.id })
    expect(size.entries).toBe(facts.length)
  })
})

/** Type, mode, owner, size, device, links and target of everything below, by its name as bytes. */
async function factsBelow(root: string): Promise<string[]> {
  const format = String.raw`%P\t%y %m %U %G %n %l\0`
  const args = ['.', '-mindepth', '1', '-printf', format]
  const { stdout } = await runProgram({ file: 'find', args, workingDirectory: root, timeoutMs: 20_000 })
  return stdout.toString('latin1').split('\0').filter(Boolean).sort()
}
