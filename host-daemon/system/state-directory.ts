import { chmod, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { StartRefusal } from '../config/start-refusal.ts'
import { takeLock } from './locks.ts'

/** Everything that the daemon keeps, by place. */
export interface StateDirectory {
  readonly path: string
  readonly database: string
  readonly homes: string
  readonly images: string
  readonly packages: string
  /** Sockets and pipes of running guests. */
  readonly run: string
  /** Lets another daemon have it. */
  release(): Promise<void>
}

/** Guests reach what is theirs below it by path, and see nothing else. */
const SEARCHABLE = 0o711

export function stateLayout(path: string): Omit<StateDirectory, 'release'> {
  return {
    path,
    database: join(path, 'pilothouse.db'),
    homes: join(path, 'homes'),
    images: join(path, 'images'),
    packages: join(path, 'packages'),
    run: join(path, 'run'),
  }
}

/** The state, held by this daemon alone. Throws `StartRefusal` while another one holds it. */
export async function holdState(path: string): Promise<StateDirectory> {
  await mkdir(path, { recursive: true, mode: SEARCHABLE })
  await chmod(path, SEARCHABLE)
  const lock = await takeLock(join(path, 'daemon.lock'))
  if (lock === undefined)
    throw new StartRefusal(`another pilothoused holds ${path} (setting stateDirectory); stop it first`)
  return { ...stateLayout(path), release: () => lock.release() }
}
