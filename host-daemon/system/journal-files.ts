import { watch, type FSWatcher } from 'node:fs'
import { open, readdir, rm, stat, statfs, type FileHandle } from 'node:fs/promises'
import { join } from 'node:path'
import type { Disposable } from '../../src-shared/lib/disposable.ts'
import { runProgram } from './child.ts'
import { isAbsence } from './presence.ts'

/** What a journal's file takes. `sizeBytes` is one past its newest byte; punched holes count in it, not on disk. */
export interface JournalFacts {
  readonly sizeBytes: number
  readonly allocatedBytes: number
  readonly modifiedAt: number
}

const SECTOR_BYTES = 512
const JOURNAL_SUFFIX = '.log'
const PUNCH_TIMEOUT_MS = 30_000

/** Undefined where there is no file: not yet, or not any more. */
export async function journalFacts(path: string): Promise<JournalFacts | undefined> {
  try {
    const { size, blocks, mtimeMs } = await stat(path)
    return { sizeBytes: size, allocatedBytes: blocks * SECTOR_BYTES, modifiedAt: Math.round(mtimeMs) }
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
}

/** A journal opened for reading; bytes never change place under it. */
export interface JournalFile {
  /** Fills `target` from the byte at `offset`; fewer bytes, or 0, where the journal ends. */
  read(target: Uint8Array, offset: number): Promise<number>
  close(): Promise<void>
}

/** Undefined where there is no file: not yet, or not any more. */
export async function openJournal(path: string): Promise<JournalFile | undefined> {
  let file: FileHandle
  try {
    file = await open(path, 'r')
  } catch (error) {
    if (isAbsence(error)) return undefined
    throw error
  }
  return {
    read: async (target, offset) => (await file.read(target, 0, target.byteLength, offset)).bytesRead,
    close: () => file.close(),
  }
}

/** Calls `onGrowth` soon after the file was written to. The kernel may have no watches left: then it never does. */
export function watchJournal(path: string, onGrowth: () => void): Disposable {
  let watcher: FSWatcher | undefined
  try {
    watcher = watch(path, { persistent: false }, onGrowth)
    watcher.on('error', () => watcher?.close())
  } catch {
    // Whoever watches also looks by itself from time to time.
  }
  return { dispose: () => watcher?.close() }
}

/** Frees the first `lengthBytes` of a file on disk; every other byte keeps its place. */
export async function punchStart(path: string, lengthBytes: number): Promise<void> {
  const args = ['--punch-hole', '--keep-size', '--offset', '0', '--length', String(lengthBytes), '--', path]
  await runProgram({ file: 'fallocate', args, timeoutMs: PUNCH_TIMEOUT_MS })
}

/** Takes a journal away whole. Idempotent. */
export async function removeJournal(path: string): Promise<void> {
  await rm(path, { force: true })
}

/** Every journal file in `directory`: one a boot, `<boot>.log`. */
export async function listJournals(directory: string): Promise<{ readonly bootName: string; readonly path: string }[]> {
  const names = await readdir(directory).catch((error: unknown) => {
    if (isAbsence(error)) return []
    throw error
  })
  return names
    .filter((name) => name.endsWith(JOURNAL_SUFFIX))
    .map((name) => ({ bootName: name.slice(0, -JOURNAL_SUFFIX.length), path: join(directory, name) }))
}

export interface SpaceFacts {
  readonly totalBytes: number
  readonly freeBytes: number
}

/** The file system that holds `directory`, as an ordinary user may fill it. */
export async function spaceOf(directory: string): Promise<SpaceFacts> {
  const { bsize, blocks, bavail } = await statfs(directory)
  return { totalBytes: blocks * bsize, freeBytes: bavail * bsize }
}
