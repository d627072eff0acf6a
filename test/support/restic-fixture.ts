import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmod, cp, mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { environmentIdSchema } from '../../src-shared/model/ids.ts'
import { repositoryLocationSchema } from '../../src-shared/model/repository.ts'
import { backUp, type BackupOptions, type BackupProgress } from '../../host-daemon/backups/restic/backup.ts'
import { ResticFailure, type ResticFailureKind } from '../../host-daemon/backups/restic/failure.ts'
import { initRepository } from '../../host-daemon/backups/restic/init.ts'
import { Restic, type ResticSettings } from '../../host-daemon/backups/restic/restic.ts'
import { tagSchema } from '../../host-daemon/backups/restic/tags.ts'
import type { ProcessIdentity } from '../../host-daemon/system/processes.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import { temporaryFolder } from './edge.ts'
import { lightenKey } from './restic-keys.ts'
import { locksOf } from './restic-locks.ts'

export const HOST = environmentIdSchema.parse('env-0000000a')
export const TAG = tagSchema.parse('op=op-0123456789abcdef')

export interface ResticChanges extends Partial<Omit<ResticSettings, 'repository' | 'password'>> {
  readonly repository?: string
  /** In a file of its own, unless it is a command. */
  readonly password?: string | { readonly command: readonly [string, ...string[]] }
}

export interface ResticFixture {
  readonly folder: string
  /** Of the repository that the fixture's own restic uses; not made until a test makes it. */
  readonly repository: string
  /** Where tests put what is backed up. */
  readonly home: string
  readonly restic: Restic
  /** A folder of its own, made empty, to restore into. */
  readonly target: (name?: string) => Promise<string>
  /** A backup of `home`, by the fixture's own restic. */
  readonly backUp: (changes?: Partial<BackupOptions>) => ReturnType<typeof backUp>
  /** Names of the locks in the repository. */
  readonly locks: () => Promise<string[]>
  /** Another way to the same repository, or to another one. */
  readonly with: (changes: ResticChanges) => Promise<Restic>
  /** The repository, made; copied from one that was made before, since making one costs a second. */
  readonly init: () => Promise<void>
  /** Runs that are under way; `remove` stops them. */
  readonly running: { readonly controller: AbortController; readonly run: Promise<unknown> }[]
  readonly remove: () => Promise<void>
}

let made: { readonly path: string; readonly remove: () => Promise<void> } | undefined

/** Real restic on a local repository under /tmp, with a password file and a cache of its own. */
export async function resticFixture(): Promise<ResticFixture> {
  const folder = await temporaryFolder()
  await chmod(folder.path, 0o755)
  const repository = join(folder.path, 'repository')
  const make: ResticFixture['with'] = async ({ repository: location = repository, password = 'right', ...changes }) => {
    const cacheDirectory = join(folder.path, 'cache')
    const settings = { password: await passwordIn(folder.path, password), cacheDirectory, ...changes }
    return new Restic({ repository: repositoryLocationSchema.parse(location), ...settings }, new SystemClock())
  }
  const restic = await make({})
  const init = async (): Promise<void> => {
    made ??= await madeOnce()
    await cp(made.path, repository, { recursive: true })
  }
  const home = join(folder.path, 'home')
  const target: ResticFixture['target'] = async (name = 'restored') => {
    const path = join(folder.path, name)
    await mkdir(path)
    return path
  }
  const own = { directory: home, host: HOST, tags: [TAG] }
  const backUpHome: ResticFixture['backUp'] = (changes = {}) => backUp(restic, { ...own, ...changes })
  const locks = (): Promise<string[]> => locksOf(repository)
  const running: ResticFixture['running'] = []
  const remove = async (): Promise<void> => {
    for (const { controller } of running) controller.abort(new Error('The test is over.'))
    await Promise.allSettled(running.map(({ run }) => run))
    await folder.remove()
  }
  const place = { folder: folder.path, repository, home }
  return { ...place, restic, target, backUp: backUpHome, locks, with: make, init, running, remove }
}

async function passwordIn(folder: string, password: NonNullable<ResticChanges['password']>) {
  if (typeof password !== 'string') return password
  const file = join(folder, `password-${password}`)
  await writeFile(file, `${password}\n`)
  return { file }
}

async function madeOnce() {
  const folder = await temporaryFolder()
  const path = join(folder.path, 'repository')
  const file = join(folder.path, 'password')
  await writeFile(file, 'right\n')
  const settings = { password: { file }, cacheDirectory: join(folder.path, 'cache') }
  await initRepository(new Restic({ repository: repositoryLocationSchema.parse(path), ...settings }, new SystemClock()))
  await lightenKey(path, 'right')
  return { path, remove: folder.remove }
}

/** Takes away what `init` copies from. */
export async function removeMadeRepository(): Promise<void> {
  await made?.remove()
  made = undefined
}

/** A folder with these files in it, made anew. */
export async function makeFiles(
  directory: string,
  files: Readonly<Record<string, string | Uint8Array>>,
): Promise<string> {
  await rm(directory, { recursive: true, force: true })
  await mkdir(directory, { recursive: true })
  for (const [name, content] of Object.entries(files)) {
    await mkdir(join(directory, name, '..'), { recursive: true })
    await writeFile(join(directory, name), content)
  }
  return directory
}

/** The failure of that kind that a promise rejects with. */
export async function resticFailure(kind: ResticFailureKind, promise: Promise<unknown>): Promise<ResticFailure> {
  const error: unknown = await promise.then(
    () => undefined,
    (reason: unknown) => reason,
  )
  expect(error).toBeInstanceOf(ResticFailure)
  expect(error).toMatchObject({ kind })
  return error as ResticFailure
}

/** A backup that is under way and will not end for minutes; it holds a lock, and data is on its way. */
export async function endlessBackup(fixture: ResticFixture): Promise<{
  readonly run: Promise<unknown>
  readonly process: ProcessIdentity
  readonly controller: AbortController
}> {
  await makeFiles(fixture.home, { 'a.bin': randomBytes(8 * 1024 * 1024) })
  const slow = await fixture.with({ bandwidth: { uploadKiBps: 64 } })
  const controller = new AbortController()
  const { promise: process, resolve } = Promise.withResolvers<ProcessIdentity>()
  const moving = Promise.withResolvers<undefined>()
  const options = { directory: fixture.home, host: HOST, tags: [TAG], signal: controller.signal, onStarted: resolve }
  const onProgress = ({ bytesDone }: BackupProgress): void => (bytesDone > 0 ? moving.resolve(undefined) : undefined)
  const run = backUp(slow, { ...options, onProgress })
  run.catch(() => undefined)
  fixture.running.push({ controller, run })
  await moving.promise
  expect(await fixture.locks()).toHaveLength(1)
  return { run, process: await process, controller }
}

/** Runs a program of the system to its good end. */
export async function runTool(file: string, args: readonly string[]): Promise<void> {
  const code = await new Promise((resolve) =>
    spawn(file, args, { stdio: ['ignore', 'ignore', 'ignore'] }).once('exit', resolve),
  )
  if (code !== 0) throw new Error(`${file} exited with ${String(code)}`)
}
