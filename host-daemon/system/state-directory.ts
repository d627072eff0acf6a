import { chmod, mkdir, open } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { StartRefusal } from '../config/start-refusal.ts'
import { takeLock, type Lock } from './locks.ts'
import { unlessAbsent } from './presence.ts'

/** Everything that the daemon keeps, by place. */
export interface StateDirectory {
  readonly path: string
  readonly database: string
  readonly homes: string
  readonly images: string
  readonly packages: string
  /** Sockets and pipes of running guests. */
  readonly run: string
  /** Mount points inside private rooms. */
  readonly rooms: string
  /** What guests overwrite while a view of their home is open. */
  readonly scratch: string
  /** What is in each recovery point. */
  readonly listings: string
  /** Files that were restored on their own. */
  readonly restored: string
  /** Recovery points, where no other place is set. */
  readonly repositories: string
  /** Opens them, where no other password is set. */
  readonly repositoryPassword: string
  /** What restic keeps of each repository; can be removed while no daemon runs. */
  readonly resticCaches: string
  /** Lets another daemon have it. */
  release(): Promise<void>
}

/** Guests reach what is theirs below it by path, and see nothing else. */
const SEARCHABLE = 0o711
const PRIVATE = 0o700

export function stateLayout(path: string): Omit<StateDirectory, 'release'> {
  return {
    path,
    database: join(path, 'pilothouse.db'),
    homes: join(path, 'homes'),
    images: join(path, 'images'),
    packages: join(path, 'packages'),
    run: join(path, 'run'),
    rooms: join(path, 'rooms'),
    scratch: join(path, 'scratch'),
    listings: join(path, 'listings'),
    restored: join(path, 'restored'),
    repositories: join(path, 'repositories'),
    repositoryPassword: join(path, 'repository-password'),
    resticCaches: join(path, 'restic-caches'),
  }
}

async function lockIn(path: string): Promise<Lock | undefined> {
  await mkdir(path, { recursive: true, mode: SEARCHABLE })
  await chmod(path, SEARCHABLE)
  return await takeLock(join(path, 'daemon.lock'))
}

function unwritable(path: string, cause: unknown): StartRefusal {
  const says = cause instanceof Error ? cause.message : String(cause)
  const remedy = 'make it a folder that this user may write to, on a file system that is neither read-only nor full'
  return new StartRefusal(`the state folder ${path} (setting stateDirectory) cannot be used (${says}); ${remedy}`, {
    cause,
  })
}

/** Guests pass through to what is theirs in these, and into none of those that hold what was in their homes. */
async function makeFolders(layout: ReturnType<typeof stateLayout>): Promise<void> {
  const modes = { rooms: SEARCHABLE, scratch: SEARCHABLE, listings: PRIVATE, restored: PRIVATE } as const
  for (const [name, mode] of Object.entries(modes)) {
    const folder = layout[name as keyof typeof modes]
    await mkdir(folder, { recursive: true })
    await chmod(folder, mode)
  }
}

/** The state, held by this daemon alone. Throws `StartRefusal` while another one holds it. */
export async function holdState(path: string): Promise<StateDirectory> {
  const lock = await lockIn(path).catch((error: unknown) => {
    throw unwritable(path, error)
  })
  if (lock === undefined)
    throw new StartRefusal(`another pilothoused holds ${path} (setting stateDirectory); stop it first`)
  const layout = stateLayout(path)
  try {
    await makeFolders(layout)
  } catch (error) {
    await lock.release()
    throw unwritable(path, error)
  }
  return { ...layout, release: () => lock.release() }
}

const OWN = 0o600

/**
 * Keeps everybody else from reading the database: what guests are told at their start and tickets are in it, and the
 * folder is searchable. Call it before the database is opened; a new one is begun. Throws `StartRefusal`.
 */
export async function keepPrivate(database: string): Promise<void> {
  try {
    await (await open(database, 'a', OWN)).close()
    for (const path of [database, `${database}-wal`, `${database}-shm`]) await chmod(path, OWN).catch(unlessAbsent)
  } catch (error) {
    throw unwritable(dirname(database), error)
  }
}
