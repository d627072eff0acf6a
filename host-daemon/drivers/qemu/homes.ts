import { chmod, chown, open, readFile, rename, rm, stat, statfs } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import type { Clock } from '../../../src-shared/lib/clock.ts'
import { timestampSchema } from '../../../src-shared/model/environment.ts'
import { environmentIdSchema, homeIdSchema, type EnvironmentId, type HomeId } from '../../../src-shared/model/ids.ts'
import { runProgram } from '../../system/child.ts'
import { syncDirectory, writeFileAtomic } from '../../system/files.ts'
import { untilLetGo } from '../../system/fresh-home.ts'
import { factsOf } from '../../system/presence.ts'
import { DriverFailure } from '../vm-driver.ts'
import { homeImagePath } from './handles.ts'
import { DEADLINES } from './options.ts'

const BLOCK_BYTES = 512
const MIB = 1024 * 1024

/** What stands beside each home, so that a lost database can be rebuilt from the homes alone. */
const sidecarSchema = z.object({
  format: z.literal(1),
  homeId: homeIdSchema,
  /** Of the environment that last started with it; null before the first start. */
  environmentId: environmentIdSchema.nullable(),
  sizeMiB: z.int(),
  createdAt: timestampSchema,
  /** Its file system is being made larger, or that was cut off in the middle. */
  isGrowing: z.boolean().default(false),
})
export type Sidecar = z.infer<typeof sidecarSchema>

export interface HomeFolder {
  readonly homesDirectory: string
  readonly clock: Clock
}

/**
 * Makes an empty ext4 home, sparse, under its final name only once it is whole and durable. A home of that name is
 * whole, therefore, and kept.
 */
export async function createHome(
  folder: HomeFolder,
  home: { readonly homeId: HomeId; readonly sizeMiB: number },
  signal: AbortSignal,
): Promise<void> {
  const image = homeImagePath(folder.homesDirectory, home.homeId)
  if ((await fileFacts(image)) === undefined) await makeFileSystem(image, home.sizeMiB, signal)
  if ((await readSidecar(folder, home.homeId)) !== undefined) return
  await writeSidecar(folder, freshSidecar(folder, home))
}

async function makeFileSystem(image: string, sizeMiB: number, signal: AbortSignal): Promise<void> {
  const temporary = `${image}.making`
  try {
    await allocate(temporary, sizeMiB)
    await runProgram({
      file: 'mkfs.ext4',
      args: ['-q', '-F', '-m', '0', '-L', 'home', '-E', 'nodiscard,lazy_itable_init=1,root_owner=0:0', '--', temporary],
      timeoutMs: DEADLINES.programMs,
      signal,
    })
    await syncFile(temporary)
    await rename(temporary, image)
  } catch (error) {
    await rm(temporary, { force: true })
    signal.throwIfAborted()
    throw new DriverFailure('disk_failed', `The home could not be made: ${textOf(error)}`, { cause: error })
  }
  await syncDirectory(join(image, '..'))
}

async function allocate(path: string, sizeMiB: number): Promise<void> {
  const file = await open(path, 'w', 0o600)
  try {
    await file.truncate(sizeMiB * MIB)
  } finally {
    await file.close()
  }
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r+')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}

/** What children of a dead daemon still hold of it is waited for first. Rejects where somebody has it mounted. */
export async function destroyHome(folder: HomeFolder, homeId: HomeId): Promise<void> {
  const image = homeImagePath(folder.homesDirectory, homeId)
  await untilLetGo(image, new AbortController().signal)
  await rm(image, { force: true })
  await rm(`${image}.making`, { force: true })
  await rm(sidecarPath(folder, homeId), { force: true })
  await rm(join(folder.homesDirectory, halfSidecar(homeId)), { force: true })
  await syncDirectory(folder.homesDirectory)
}

/** Throws when it cannot tell: a folder of homes that is not there says nothing of the homes in it. */
export async function inspectHome(
  { homesDirectory }: HomeFolder,
  homeId: HomeId,
): Promise<{ kind: 'present'; bytes: number } | { kind: 'absent' }> {
  const facts = await fileFacts(homeImagePath(homesDirectory, homeId))
  if (facts !== undefined) return { kind: 'present', bytes: facts.bytes }
  await stat(homesDirectory)
  return { kind: 'absent' }
}

/** Of the file system that homes are in, for everybody alike: what is kept for root does not count. */
export async function freeHomeBytes({ homesDirectory }: HomeFolder): Promise<number> {
  const { bavail, bsize } = await statfs(homesDirectory)
  return bavail * bsize
}

/** Makes the home the guest's own, and notes whose it is. Rejects with `disk_failed`. */
export async function lendHome(
  folder: HomeFolder,
  guest: { readonly homeId: HomeId; readonly environmentId: EnvironmentId; readonly uid: number },
): Promise<void> {
  const image = homeImagePath(folder.homesDirectory, guest.homeId)
  try {
    await chown(image, guest.uid, guest.uid)
    await chmod(image, 0o600)
    const sidecar = await readSidecar(folder, guest.homeId)
    if (sidecar !== undefined && sidecar.environmentId !== guest.environmentId)
      await writeSidecar(folder, { ...sidecar, environmentId: guest.environmentId })
  } catch (error) {
    throw new DriverFailure('disk_failed', `The home ${guest.homeId} could not be opened: ${textOf(error)}`, {
      cause: error,
    })
  }
}

async function fileFacts(path: string): Promise<{ bytes: number } | undefined> {
  const facts = await factsOf(path)
  return facts === undefined ? undefined : { bytes: facts.blocks * BLOCK_BYTES }
}

function sidecarPath(folder: HomeFolder, homeId: HomeId): string {
  return join(folder.homesDirectory, `${homeId}.json`)
}

/** The note of a home that nobody has used yet, or of one whose note was lost. */
export function freshSidecar(
  { clock }: HomeFolder,
  home: { readonly homeId: HomeId; readonly sizeMiB: number },
): Sidecar {
  return { format: 1, ...home, environmentId: null, createdAt: clock.now(), isGrowing: false }
}

/** Undefined where there is none that can be read. */
export async function readSidecar(folder: HomeFolder, homeId: HomeId): Promise<Sidecar | undefined> {
  try {
    return sidecarSchema.parse(JSON.parse(await readFile(sidecarPath(folder, homeId), 'utf8')))
  } catch {
    return undefined
  }
}

/** The note that is being written. What a killed daemon has left of it goes with the next writing, or with the home. */
function halfSidecar(homeId: HomeId): string {
  return `.${homeId}.json.tmp`
}

/** Durable when it resolves. */
export async function writeSidecar(folder: HomeFolder, sidecar: Sidecar): Promise<void> {
  const temporary = halfSidecar(sidecar.homeId)
  await writeFileAtomic(sidecarPath(folder, sidecar.homeId), JSON.stringify(sidecar), { mode: 0o600, temporary })
}

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
