import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect, promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { MadePoint, PointRepository, Repositories } from '../../host-daemon/backups/point-repository.ts'
import { createResticRepositories, type ResticRepositoriesOptions } from '../../host-daemon/backups/repositories.ts'
import type { RepositoryAccess } from '../../host-daemon/backups/restic/access.ts'
import type { HomeTree } from '../../host-daemon/drivers/vm-driver.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import { processArguments, signalProcess, type ProcessIdentity } from '../../host-daemon/system/processes.ts'
import { SystemRandom } from '../../host-daemon/system/random.ts'
import { environmentIdSchema } from '../../src-shared/model/ids.ts'
import { repositoryLocationSchema } from '../../src-shared/model/repository.ts'
import { never } from '../conformance/driver-subject.ts'
import { repositoryOptionsOf } from '../../host-daemon/config/repository-options.ts'
import { loadSettings } from '../../host-daemon/config/settings.ts'
import { stateLayout } from '../../host-daemon/system/state-directory.ts'
import { fromRoot } from '../../scripts/lib/paths.ts'
import { temporaryFolder } from '../support/edge.ts'
import {
  startFakeS3Server,
  startRestServer,
  startSftpServer,
  type RepositoryServer,
} from '../support/repository-servers.ts'
import { flipOneBitOfEachPack } from '../support/restic-damage.ts'
import { lightenKey } from '../support/restic-keys.ts'
import { TreeRooms } from '../support/tree-rooms.ts'

const ENV = environmentIdSchema.parse('env-0000000a')
const run = promisify(execFile)
const PASSWORD = 'known'
const call = { signal: never }

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let rooms: TreeRooms
const at = (name: string): string => join(folder.path, name)

beforeAll(async () => {
  folder = await temporaryFolder()
  rooms = new TreeRooms(at('rooms'))
  await writeFile(at('password'), `${PASSWORD}\n`)
  await writeFile(at('another-password'), 'another\n')
})
afterAll(async () => {
  await rooms.close()
  await folder.remove()
})

let trees = 0
async function tree(files: Readonly<Record<string, string | Buffer>> = {}): Promise<HomeTree> {
  const path = at(`tree-${(trees += 1)}`)
  await mkdir(path)
  for (const [name, content] of Object.entries(files)) await writeFile(join(path, name), content)
  return await rooms.treeAt(path)
}

/** The daemon's own repositories at that server. */
function repositoriesAt(server: RepositoryServer, over: Partial<ResticRepositoriesOptions> = {}): Repositories {
  return createResticRepositories({
    base: server.base,
    isShared: false,
    password: { file: at('password') },
    access: server.access,
    cacheDirectory: at('caches'),
    idleMs: 60_000,
    clock: new SystemClock(),
    random: new SystemRandom(),
    ...over,
  })
}

const MADE = { environmentId: ENV, tags: ['operation=op-00000000000000a1'], homeBytes: 1024 ** 3 }

function backUp(repository: PointRepository, from: HomeTree, over: object = {}): Promise<MadePoint> {
  return repository.backUp(from, { ...call, ...MADE, onProgress: () => undefined, ...over })
}

const list = (repository: PointRepository) => repository.list({ ...call, environmentId: ENV })
const ids = async (repository: PointRepository) => (await list(repository)).map(({ id }) => id)

interface Failure {
  readonly code?: unknown
  readonly message?: unknown
  readonly hint?: unknown
}

/** What a call fails with; in nothing of it is a secret of the server. */
async function failureOf(server: RepositoryServer, use: () => Promise<unknown>): Promise<Failure> {
  const failure: unknown = await use().then(
    () => 'no failure',
    (error: unknown) => error,
  )
  const told = JSON.stringify(failure) + inspect(failure, { depth: 20 })
  for (const secret of [...server.secrets, PASSWORD + '\n']) expect(told).not.toContain(secret)
  expect(failure).toMatchObject({
    message: expect.stringMatching(/\.$/) as string,
    hint: expect.stringMatching(/\.$/) as string,
  })
  return failure as Failure
}

/** A backup that would not end for minutes, and has a lock. */
async function underWay(repository: PointRepository): Promise<{ process: ProcessIdentity; run: Promise<unknown> }> {
  const child = Promise.withResolvers<ProcessIdentity>()
  const moving = Promise.withResolvers<undefined>()
  const onProgress = ({ doneBytes }: { doneBytes: number }): void =>
    doneBytes > 0 ? moving.resolve(undefined) : undefined
  const large = await tree({ 'a.bin': randomBytes(8 * 1024 * 1024) })
  const run = backUp(repository, large, { onChild: child.resolve, onProgress })
  run.catch(moving.reject)
  await moving.promise
  return { process: await child.promise, run }
}

/** Kinds are looked at side by side; the tests of each go on from what the one before left. */
const IN_TURN = { concurrent: false }
const SLOW = { bandwidth: { uploadKiBps: 64 } }

interface Kind {
  readonly kind: string
  readonly start: () => Promise<RepositoryServer>
  /** What whoever is not let in is told, and the setting that it is about. */
  readonly refusal: string
  readonly setting: string
  /** Longer than it takes restic to say that its server is gone; it tries again, ever more seldom. */
  readonly idleMs: number
}

const DENIED = 'access was denied'
const KINDS: readonly Kind[] = [
  { kind: 'sftp', start: startSftpServer, refusal: 'refused the ssh login', setting: 'sftpKeyFile', idleMs: 5_000 },
  { kind: 'rest', start: startRestServer, refusal: DENIED, setting: 'restCredentialsFile', idleMs: 3_000 },
  { kind: 's3', start: startFakeS3Server, refusal: DENIED, setting: 's3CredentialsFile', idleMs: 2_500 },
]

describe.concurrent.each(KINDS)('a repository over $kind', ({ start, refusal, setting, idleMs }) => {
  let server: RepositoryServer
  let repository: PointRepository

  beforeAll(async () => {
    server = await start()
    repository = repositoriesAt(server).of(ENV)
  })
  afterAll(() => server.dispose())

  it('is missing until it is made, which can be done again, and is opened by its password alone', IN_TURN, async () => {
    expect(repositoriesAt(server).isOnThisHost).toBe(false)
    expect(await failureOf(server, () => list(repository))).toMatchObject({ code: 'repository_missing' })
    await repository.prepare(call)
    await lightenKey(server.folderOf(repository.location), PASSWORD)
    await repository.prepare(call)
    expect(await list(repository)).toEqual([])
    const wrong = repositoriesAt(server, { password: { file: at('another-password') } }).of(ENV)
    for (const use of [() => wrong.prepare(call), () => list(wrong)])
      expect(await failureOf(server, use)).toMatchObject({ code: 'wrong_password' })
  })

  it(
    'keeps points, lists them, tells what is in them, gives them back, and forgets them by rule',
    IN_TURN,
    async () => {
      const home = await tree({ a: 'first', b: 'kept' })
      const { id: first } = await backUp(repository, home)
      await writeFile(join(home.path, 'a'), 'second')
      const { id: second } = await backUp(repository, home)
      expect(await ids(repository)).toEqual([first, second])
      const paths: string[] = []
      await repository.listEntries({ ...call, point: first, onEntry: ({ path }) => void paths.push(path) })
      expect(paths).toEqual(['/a', '/b'])
      const size = await repository.sizeOf({ ...call, point: first })
      expect(size).toEqual({ bytes: 'firstkept'.length, entries: 2 })
      const into = await tree()
      await repository.fill(into, { ...call, point: first, size, onProgress: () => undefined })
      expect(await readFile(join(into.path, 'a'), 'utf8')).toBe('first')
      const { forgotten } = await repository.prune({ ...call, environmentId: ENV, keep: { last: 1 } })
      expect([forgotten, await ids(repository)]).toEqual([[first], [second]])
      await repository.forget({ ...call, points: [second] })
      expect(await ids(repository)).toEqual([])
    },
  )

  it(
    'whose server goes away is unreachable, in the middle and at the start, and serves again when it is back',
    IN_TURN,
    async () => {
      const { run } = await underWay(repositoriesAt(server, { ...SLOW, idleMs, stopGraceMs: 200 }).of(ENV))
      await server.goDark()
      const unreachable = { code: 'repository_unreachable', hint: expect.stringContaining('127.0.0.1') as string }
      for (const use of [() => run, () => list(repository), () => repository.prepare(call)])
        expect(await failureOf(server, use)).toMatchObject(unreachable)
      await server.comeBack()
      expect(await ids(repository)).toEqual([])
    },
  )

  it(
    'is locked by those who died, until the rule clears that; no argument of theirs was a secret',
    IN_TURN,
    async () => {
      const { process, run } = await underWay(repositoriesAt(server, SLOW).of(ENV))
      const words = (await processArguments(process.pid))?.join(' ')
      expect(words).toContain('backup')
      for (const secret of server.secrets) expect(words).not.toContain(secret)
      await signalProcess(process, 'SIGKILL')
      expect(await failureOf(server, () => run)).toMatchObject({ code: 'engine_failed' })
      const check = () => repository.check({ ...call, depth: 'all' })
      expect(await failureOf(server, check)).toMatchObject({ code: 'repository_locked' })
      // Whoever lost its server could not take its lock away.
      expect(await repository.clearDeadLocks(call)).toBe(2)
      expect(await check()).toEqual({ isSound: true, findings: [] })
    },
  )

  it('does not let in whom it does not know, and says which setting it is about', IN_TURN, async () => {
    const unknown = repositoriesAt(server, { access: server.refused }).of(ENV)
    for (const use of [() => list(unknown), () => unknown.prepare(call)]) {
      const failure = await failureOf(server, use)
      expect(failure).toMatchObject({
        code: 'repository_unreachable',
        message: expect.stringContaining(refusal) as string,
      })
      expect(failure.hint).toContain(`backups.${setting}`)
    }
  })

  it('that is damaged is found so by a check, and that was taken away is missing', IN_TURN, async () => {
    await backUp(repository, await tree({ a: 'content' }))
    const kept = server.folderOf(repository.location)
    await flipOneBitOfEachPack(kept)
    expect(await repository.check({ ...call, depth: 'all' })).toMatchObject({ isSound: false })
    await rm(kept, { recursive: true })
    expect(await failureOf(server, () => list(repository))).toMatchObject({ code: 'repository_missing' })
  })
})

describe.concurrent('the page of the settings', () => {
  it('says how a repository over ssh is set up: done as it is written, it serves', async () => {
    const server = await startSftpServer()
    try {
      const page = (await readFile(fromRoot('docs/settings.md'), 'utf8')).replaceAll('/etc/pilothouse', server.kept)
      const { hostname, port } = new URL(server.base.replace('sftp:', 'http:'))
      const section = page
        .slice(page.indexOf('### sftp'), page.indexOf('### rest'))
        .replaceAll('points@vault.example:2222//srv/points', server.base.slice('sftp://'.length))
        .replaceAll('vault.example', hostname)
        .replaceAll('2222', port)
      const [, script = ''] = /```sh\n([^]*?)```/.exec(section) ?? []
      const [, settings = ''] = /```json\n([^]*?)```/.exec(section) ?? []
      await mkdir(server.kept)
      await run('sh', ['-euc', script])
      await server.authorize(await readFile(join(server.kept, 'sftp-key.pub'), 'utf8'))
      await writeFile(at('daemon.json'), settings)
      const told = await loadSettings({ filePath: at('daemon.json'), environment: {} })
      const options = repositoryOptionsOf(told, stateLayout(at('state')))
      const there = createResticRepositories({ ...options, clock: new SystemClock(), random: new SystemRandom() })
      expect(there.base).toBe(server.base)
      const about = await failureOf(server, () => list(there.of(ENV)))
      expect(about).toMatchObject({ code: 'repository_missing' })
    } finally {
      await server.dispose()
    }
  })
})

describe.concurrent('an ssh server', () => {
  let server: Awaited<ReturnType<typeof startSftpServer>>

  beforeAll(async () => {
    server = await startSftpServer()
  })
  afterAll(() => server.dispose())

  const failing = (access: RepositoryAccess, base: string = server.base) => {
    const there = repositoriesAt(server, { access, base: repositoryLocationSchema.parse(base) })
    return failureOf(server, () => there.of(ENV).prepare(call))
  }

  it('with another key than the known one, or with none that is known, is not talked to', IN_TURN, async () => {
    for (const sftpKnownHostsFile of [server.strange, '/dev/null'])
      expect(await failing({ ...server.access, sftpKnownHostsFile })).toMatchObject({
        code: 'repository_unreachable',
        message: expect.stringContaining("the server's ssh key is not the known one") as string,
        hint: expect.stringContaining('backups.sftpKnownHostsFile') as string,
      })
  })

  it('on which the folder cannot be made says so', IN_TURN, async () => {
    const closed = server.base.replace(/(?<=:\d+\/).*/, '/etc/passwd/points')
    expect(await failing(server.access, closed)).toMatchObject({
      code: 'repository_unreachable',
      message: expect.stringContaining('cannot be made') as string,
      hint: expect.stringContaining('backups.base') as string,
    })
  })
})
