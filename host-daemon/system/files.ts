import { randomBytes } from 'node:crypto'
import { link, open, rename, rm } from 'node:fs/promises'
import { dirname, join } from 'node:path'

export interface AtomicWriteOptions {
  /** Permission bits of the new file; 0o600 unless told. */
  readonly mode?: number
}

export interface AtomicReplaceOptions extends AtomicWriteOptions {
  /**
   * What it is written as before it has its name, beside it: for a file that one writer at a time writes, so that what a
   * killed one has left is found again, and gone with the next write. A name that nobody else has unless told.
   */
  readonly temporary?: string
}

/**
 * Replaces `path` whole: a reader, and whoever looks after a crash, sees the old content or the new one, never a
 * mixture or an empty file. Durable when it resolves. On failure the old file is untouched.
 */
export async function writeFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: AtomicReplaceOptions = {},
): Promise<void> {
  const directory = dirname(path)
  const temporary = join(directory, options.temporary ?? `.${randomBytes(8).toString('hex')}.tmp`)
  try {
    if (options.temporary !== undefined) await rm(temporary, { force: true })
    await writeDurably(temporary, content, options.mode ?? 0o600)
    await rename(temporary, path)
  } catch (error) {
    await rm(temporary, { force: true })
    throw error
  }
  await syncDirectory(directory)
}

/**
 * Makes `path` with this content unless it is there; what is there is never touched, whoever makes it at the same time.
 * Whether it was made; durable when it resolves with true. Its mode is 0o600 unless told.
 */
export async function createFileAtomic(
  path: string,
  content: string | Uint8Array,
  options: AtomicWriteOptions = {},
): Promise<boolean> {
  const directory = dirname(path)
  const temporary = join(directory, `.${randomBytes(8).toString('hex')}.tmp`)
  try {
    await writeDurably(temporary, content, options.mode ?? 0o600)
    await link(temporary, path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false
    throw error
  } finally {
    await rm(temporary, { force: true })
  }
  await syncDirectory(directory)
  return true
}

async function writeDurably(path: string, content: string | Uint8Array, mode: number): Promise<void> {
  const file = await open(path, 'wx', mode)
  try {
    // The mode given to open is narrowed by the umask; what was asked for is what the file gets.
    await file.chmod(mode)
    await file.writeFile(content)
    await file.sync()
  } finally {
    await file.close()
  }
}

/** Makes renames, creations and removals inside `directory` durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r')
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
