import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createRouterClient, type Router } from '@orpc/server'
import { pino } from 'pino'
import { createResticRepositories } from '../../host-daemon/backups/repositories.ts'
import { createDaemon } from '../../host-daemon/daemon.ts'
import { homeImagePath } from '../../host-daemon/drivers/qemu/handles.ts'
import { createCallGuard, type ServedCaller } from '../../host-daemon/server/call-guard.ts'
import { openDatabase } from '../../host-daemon/store/database.ts'
import { createStore, type Store } from '../../host-daemon/store/store.ts'
import { runProgram } from '../../host-daemon/system/child.ts'
import { writeFileAtomic } from '../../host-daemon/system/files.ts'
import type { daemonContract } from '../../src-shared/contract/daemon.ts'
import type { HomeId, OwnerName } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import { repositoryLocationSchema } from '../../src-shared/model/repository.ts'
import { callerOf, foldersIn, newCommandId, spawnInput } from './fake-driver-daemon.ts'
import { processesWith } from './kill-points.ts'
import { UNSCHEDULED } from './made-points.ts'
import { MemoryLogger } from './memory-logger.ts'
import { makeQemuFixture, minimalImage } from './qemu-fixture.ts'
import { lightenKey } from './restic-keys.ts'
import { locksOf } from './restic-locks.ts'
import { waitFor } from './wait-for.ts'

const TOOL_MS = 60_000
const WAIT_MS = 110_000
const PASSWORD = 'a password for nothing but this test'
/** Everything in the home but what every file system has, as the guest sees it, with a hash of each file. */
const TREE = 'cd /home && find . ! -name lost+found | sort && find . -type f | sort | xargs -r md5sum'

export interface TroubleOptions {
  /** Folders of the daemon that get a small file system of their own: `homes`, `repositories`, `scratch`. */
  readonly disksMiB?: Readonly<Record<string, number>>
  readonly homeMiB?: number
}

export type TroubleDaemon = Awaited<ReturnType<typeof startTroubleDaemon>>

/**
 * A whole daemon with real guests and real restic, whose disks and repository a test can spoil. restic is started by way
 * of a script: what `beforeRestic` says is done by a shell first, with restic's arguments.
 */
export async function startTroubleDaemon({ disksMiB = {}, homeMiB = 64 }: TroubleOptions = {}) {
  const fixture = await makeQemuFixture()
  const { folder, options, driver } = fixture
  const { clock, random } = options
  const at = (...names: string[]) => join(folder, ...names)
  const mounted: string[] = []
  let isLight = false
  for (const [name, mib] of Object.entries(disksMiB)) {
    await mkdir(at(name), { recursive: true, mode: 0o711 })
    await tool('mount', '-t', 'tmpfs', '-o', `size=${mib}m,mode=711`, 'tmpfs', at(name))
    mounted.push(at(name))
  }
  await mkdir(at('repositories'), { recursive: true })
  await writeFileAtomic(at('password'), `${PASSWORD}\n`)
  await writeFile(at('restic'), `#!/bin/sh\n[ ! -e ${at('before')} ] || . ${at('before')}\nexec restic "$@"\n`, {
    mode: 0o755,
  })
  const logger = new MemoryLogger()
  const daemon = createDaemon({
    databasePath: at('pilothoused.db'),
    options: {
      hostName: 'test-host',
      version: '0.0.0-test',
      guestUidBase: 210_000,
      owners: [{ name: 'local' as OwnerName, limit: 'unlimited', note: '' }],
      recovery: { ...UNSCHEDULED, countingMs: 60_000 },
    },
    drivers: [driver],
    images: (await minimalImage()).images,
    repositories: createResticRepositories({
      base: repositoryLocationSchema.parse(at('repositories')),
      isShared: false,
      password: { file: at('password') },
      cacheDirectory: at('cache'),
      program: at('restic'),
      idleMs: 60_000,
      clock,
      random,
    }),
    folders: foldersIn(folder),
    clock,
    random,
    logger,
  })
  await daemon.start()
  const admin = () => {
    const guarded: Router<typeof daemonContract, ServedCaller> = daemon.router
    return createRouterClient(guarded, {
      context: () => ({ ...callerOf('admin'), logger: pino({ level: 'silent' }) }),
      interceptors: [createCallGuard(clock)],
    })
  }
  const command = (environment = 'web') => ({ commandId: newCommandId(), environment })
  const ended = ({ id }: Operation) => admin().operations.wait({ id, timeoutMs: WAIT_MS })
  const succeeded = async (operation: Operation) => {
    const done = await ended(operation)
    if (done.status.kind === 'succeeded') return done
    throw new Error(`${done.kind} ended with ${JSON.stringify([done.step, done.status, done.result])}`)
  }
  const store = <T>(read: (store: Store) => T): T => {
    const db = openDatabase(at('pilothoused.db'), { clock })
    try {
      return read(createStore(db))
    } finally {
      db.dispose()
    }
  }
  const get = (environment = 'web') => admin().environments.get({ environment })
  const image = async (environment = 'web') => homeImagePath(options.homesDirectory, (await get(environment)).home.id)
  const inGuest = async (script: string, environment = 'web') => {
    const { id } = await get(environment)
    const record = store(({ boots }) => boots.liveOf(id))?.record
    if (record === undefined) throw new Error('There is no guest')
    const program = { file: '/bin/sh', args: ['-c', `${script}; sync`], deadlineMs: 30_000 }
    const run = () => driver.runInGuest(record, { ...program, signal: AbortSignal.timeout(40_000) })
    // Agents refuse the first call after they were interrupted in the middle of another one.
    const result = await run().catch((error: unknown) =>
      /JSON parse/.test(String(error)) ? run() : Promise.reject(error as Error),
    )
    if (result.exitCode !== 0) throw new Error(`The guest says ${result.stderr.toString()}`)
    return result.stdout.toString()
  }
  /** Of the newest point, also where a drill in trouble has said that it is not good. */
  const planRestore = async (environment = 'web') => {
    const [newest] = await admin().backups.points({ environment })
    return admin().restore.plan({ environment, point: newest?.id ?? 'latest' })
  }
  /** The first one makes the repository, which is one that costs little to open from then on. */
  const backUp = async () => {
    const done = await ended(await admin().backups.now(command()))
    const isMade = done.status.kind === 'succeeded' && !isLight
    if (isMade) await lightenKey(at('repositories', done.environmentId), PASSWORD)
    isLight ||= isMade
    return done
  }
  const remove = async () => {
    try {
      const { environments } = await admin().environments.list({})
      for (const { name } of environments) {
        const { ticket } = await admin().environments.destroy.plan({ environment: name })
        await ended(await admin().environments.destroy.run({ ...command(name), ticket: ticket.id, confirmName: name }))
      }
    } finally {
      await daemon.stop()
      for (const path of mounted) await tool('umount', '-l', path)
      await fixture.remove()
    }
  }
  return {
    folder,
    at,
    logger,
    admin,
    command,
    ended,
    succeeded,
    store,
    get,
    image,
    inGuest,
    planRestore,
    remove,
    homesDirectory: options.homesDirectory,
    tree: (environment?: string) => inGuest(TREE, environment),
    repository: async () => at('repositories', (await get()).id),
    status: async () => (await admin().backups.status({ environment: 'web' })).rows[0]!,
    spawn: async (name = 'web') =>
      succeeded(await admin().environments.spawn({ ...spawnInput(name), size: { memoryMiB: 128, homeMiB } })),
    backUp,
    /** A point of the home as it is. */
    point: async () => {
      const { status, result } = await backUp()
      if (status.kind !== 'succeeded') throw new Error(`The backup ended with ${JSON.stringify(status)}`)
      if (result?.kind !== 'backup') throw new Error('There is no such result')
      return result
    },
    restore: async (environment = 'web') => {
      const { ticket } = await planRestore(environment)
      return ended(await admin().restore.run({ ...command(environment), ticket: ticket.id, confirmName: environment }))
    },
    drill: async () => ended(await admin().drill({ ...command(), point: 'latest' })),
    check: async () => ended(await admin().backups.check({ ...command(), depth: 'all' })),
    prune: async () => ended(await admin().backups.prune(command())),
    /** A shell's words, run before every restic with its arguments; nothing any more where there are none. */
    beforeRestic: (script: string) => writeFile(at('before'), `${script}\n`),
    /** Takes all that is left of one of the small disks. */
    fill: (name: string) => tool('sh', '-c', `cat /dev/zero > ${at(name, 'filler')} 2>/dev/null || true`),
    free: (name: string) => tool('rm', '-f', '--', at(name, 'filler')),
    /** What is at work, or was left by what was, a phrase each. */
    leftovers: () => leftoversIn(folder, options.homesDirectory, store),
  }
}

export async function tool(file: string, ...args: string[]): Promise<string> {
  return (await runProgram({ file, args, timeoutMs: TOOL_MS })).stdout.toString()
}

async function leftoversIn(folder: string, homes: string, store: <T>(read: (store: Store) => T) => T) {
  const look = async (): Promise<string[]> => {
    const known = store(({ environments, keptHomes }) =>
      environments.list().flatMap(({ id, home }) => [home.id, keptHomes.undoOf(id)?.homeId ?? '']),
    )
    const images = (await readdir(homes)).filter((name) => name.endsWith('.img'))
    const strays = images.filter((name) => !known.includes(name.slice(0, -4) as HomeId))
    return [
      ...strays,
      ...(await locksIn(folder)),
      ...(await loopsOn(homes)),
      ...(await filesIn(folder)),
      ...workers(folder),
    ]
  }
  // The kernel takes loop devices down behind whoever has let go of them.
  return waitFor('nothing to be left', async () => ((await look()).length === 0 ? ['none'] : undefined), 10_000)
    .then(() => [])
    .catch(look)
}

async function locksIn(folder: string): Promise<string[]> {
  const base = join(folder, 'repositories')
  const found = await Promise.all((await readdir(base)).map((name) => locksOf(join(base, name))))
  return found.flat().map((name) => `the lock ${name}`)
}

async function loopsOn(homes: string): Promise<string[]> {
  const devices = (await readdir('/sys/block')).filter((name) => name.startsWith('loop'))
  const files = await Promise.all(
    devices.map((name) => readFile(`/sys/block/${name}/loop/backing_file`, 'utf8').catch(() => '')),
  )
  return files.filter((file) => file.startsWith(`${homes}/`)).map((file) => `a loop device on ${file.trim()}`)
}

async function filesIn(folder: string): Promise<string[]> {
  const found = await Promise.all(['scratch', 'restored'].map((name) => readdir(join(folder, name)).catch(() => [])))
  return found.flat().filter((name) => name !== 'room' && name !== 'filler')
}

function workers(folder: string): string[] {
  const names = ['restic', 'fuse2fs', 'qemu-storage-daemon', 'mkfs.ext4', 'e2fsck']
  const isWorker = (words: readonly string[]) => words.some((word) => names.some((name) => word.endsWith(name)))
  const isOurs = (words: readonly string[]) => words.some((word) => word.includes(`${folder}/`))
  return processesWith((words) => isWorker(words) && isOurs(words)).map((pid) => `process ${pid}`)
}
