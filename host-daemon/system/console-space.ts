import { chmod, mkdir, open, readdir, realpath, rename, rm, stat, truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { runProgram } from './child.ts'
import { syncDirectory } from './files.ts'
import type { Logger } from './logger.ts'
import { loopDeviceOf, mountedAt, mountImage, unmount } from './mounts.ts'

const MIB = 1024 * 1024
const PROGRAM_TIMEOUT_MS = 60_000
/** Guests reach their journal by its path and see no other. */
const SEARCHABLE = 0o711

export interface ConsoleSpace {
  /** Where the journals are. */
  readonly directory: string
  /** A flood can fill only this. */
  readonly isBounded: boolean
  /** Lets go of the space if no guest writes to it any more. */
  release(): Promise<void>
}

export interface ConsoleSpaceOptions {
  readonly stateDirectory: string
  readonly spaceMiB: number
  readonly logger: Logger
}

/**
 * Brings up the journals' bounded space: a file system of fixed size in one file, mounted once. Where the host does
 * not allow that, the journals are kept in a plain folder; that is said loudly, and `isBounded` is false.
 */
export async function openConsoleSpace(options: ConsoleSpaceOptions): Promise<ConsoleSpace> {
  const { stateDirectory, logger } = options
  const path = join(stateDirectory, 'consoles')
  await mkdir(path, { recursive: true, mode: SEARCHABLE })
  const directory = await realpath(path)
  try {
    await mountOnce(directory, options)
    await chmod(directory, SEARCHABLE)
    return { directory, isBounded: true, release: () => release(directory) }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    logger.warn(
      { directory, reason },
      'CONSOLE JOURNALS ARE NOT BOUNDED: a guest that floods its console can fill the disk',
    )
    await chmod(directory, SEARCHABLE)
    return { directory, isBounded: false, release: () => Promise.resolve() }
  }
}

async function mountOnce(directory: string, options: ConsoleSpaceOptions): Promise<void> {
  const image = join(options.stateDirectory, 'consoles.img')
  const source = await mountedAt(directory)
  if (source !== undefined) {
    if (source === (await loopDeviceOf(image).catch(() => undefined))) return
    throw new Error(`${source} is mounted at ${directory}, which is not the console space`)
  }
  if (process.getuid?.() !== 0) throw new Error('only root may mount the console space')
  const names = await readdir(directory)
  if (names.length > 0)
    throw new Error(`${directory} holds journals outside of the console space; remove them when no guest runs`)
  await makeImage(image, options)
  await mountImage(image, directory)
}

async function release(directory: string): Promise<void> {
  await unmount(directory)
}

async function makeImage(image: string, { spaceMiB, stateDirectory, logger }: ConsoleSpaceOptions): Promise<void> {
  const known = await stat(image).catch(() => undefined)
  // Mounted elsewhere, it is in use and whole.
  if (known !== undefined && (await loopDeviceOf(image)) !== undefined) return
  if (known !== undefined) {
    await checkImage(image, { bytes: known.size, wantedBytes: spaceMiB * MIB })
    return
  }
  const unfinished = `${image}.new`
  await rm(unfinished, { force: true })
  await allocate(unfinished, spaceMiB * MIB, logger)
  await program('mkfs.ext4', ['-q', '-F', '-m', '0', '-O', '^has_journal', '-L', 'pilothouse', '--', unfinished])
  await syncFile(unfinished)
  await rename(unfinished, image)
  await syncDirectory(stateDirectory)
}

/** Real blocks, so that the space is there when it is needed; else a promise of them, which is said. */
async function allocate(path: string, bytes: number, logger: Logger): Promise<void> {
  const file = await open(path, 'wx', 0o600)
  await file.close()
  try {
    await program('fallocate', ['--length', String(bytes), '--', path])
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    logger.warn({ path, reason }, 'The console space could not be reserved: a full disk takes space from it')
    // What was reserved until the disk was full is given back: the database needs it more.
    await truncate(path, 0)
    await truncate(path, bytes)
  }
}

/** Exit 1 is "errors were corrected", 2 "corrected, and not mounted anyway". */
async function checkImage(image: string, size: { bytes: number; wantedBytes: number }): Promise<void> {
  // After a crash of the host there is no journal to go by: what can be saved is, whatever must be given up for it.
  await program('e2fsck', ['-f', '-y', '--', image], [0, 1, 2])
  const { bytes, wantedBytes } = size
  if (wantedBytes === bytes) return
  if (wantedBytes > bytes) await program('fallocate', ['--length', String(wantedBytes), '--', image])
  await program('resize2fs', [image, `${wantedBytes / MIB}M`])
  if (wantedBytes < bytes) await truncate(image, wantedBytes)
}

async function program(file: string, args: string[], expectedExits: number[] = [0]): Promise<void> {
  await runProgram({ file, args, expectedExits, timeoutMs: PROGRAM_TIMEOUT_MS })
}

async function syncFile(path: string): Promise<void> {
  const file = await open(path, 'r')
  try {
    await file.sync()
  } finally {
    await file.close()
  }
}
