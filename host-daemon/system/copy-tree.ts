import { constants } from 'node:fs'
import {
  chmod,
  lstat,
  lutimes,
  mkdir,
  open,
  readdir,
  readlink,
  symlink,
  utimes,
  type FileHandle,
} from 'node:fs/promises'
import type { Stats } from 'node:fs'
import { hasCode } from './presence.ts'
import { pathBelow } from './trees.ts'

const CHUNK_BYTES = 256 * 1024
const OWN_ONLY = 0o700
/** Reading, writing and running: no set-uid, no set-gid, no sticky bit. */
const PLAIN_BITS = 0o777
const MOST_TOLD = 100

export type SkipReason = 'fifo' | 'socket' | 'device' | 'path_too_long'

export interface SkippedEntry {
  /** From the root of the tree, as text. */
  readonly path: string
  readonly why: SkipReason
}

export interface CopiedTree {
  /** Regular files that arrived, and their bytes; every name of a hard-linked one counts. */
  readonly files: number
  readonly bytes: number
  /** The first hundred. */
  readonly skipped: readonly SkippedEntry[]
  readonly skippedCount: number
  /** Of the skipped ones, those that may be regular files. */
  readonly skippedFiles: number
}

export interface CopyOptions {
  readonly signal: AbortSignal
  readonly onProgress: (done: { readonly doneBytes: number; readonly doneFiles: number }) => void
}

/**
 * Copies what is below `from`, whoever has made it, into the folder `to`, which it makes, and which nobody else may
 * write to. Only regular files, folders and symbolic links arrive, as the daemon's own, with their names byte for byte,
 * their times and their plain permission bits; a link arrives as the link that it is and is never followed. Everything
 * else is skipped and told. Nothing is written outside `to`, and nothing of it is flushed to the disk yet. When it
 * rejects, `to` holds any part of it.
 */
export async function copyTree(from: string, to: string, options: CopyOptions): Promise<CopiedTree> {
  const copy = new TreeCopy(options)
  await mkdir(to, { mode: OWN_ONLY })
  await copy.fillFolder(Buffer.from(from), Buffer.from(to))
  return copy.result()
}

interface Entry {
  readonly from: Buffer
  readonly to: Buffer
  /** Below the root, as text. */
  readonly path: string
}

class TreeCopy {
  private readonly options: CopyOptions
  private readonly skipped: SkippedEntry[] = []
  private skippedCount = 0
  private skippedFiles = 0
  private files = 0
  private bytes = 0

  constructor(options: CopyOptions) {
    this.options = options
  }

  result(): CopiedTree {
    const { files, bytes, skipped, skippedCount, skippedFiles } = this
    return { files, bytes, skipped, skippedCount, skippedFiles }
  }

  /** Folders are kept on a list and not on the stack: how deep they are is the guest's choice. */
  async fillFolder(from: Buffer, to: Buffer): Promise<void> {
    const made: { readonly path: Buffer; readonly stat: Stats }[] = []
    const open: Entry[] = [{ from, to, path: '' }]
    for (let folder = open.pop(); folder !== undefined; folder = open.pop()) {
      for (const name of await readdir(folder.from, { encoding: 'buffer' })) {
        this.options.signal.throwIfAborted()
        const entry = below(folder, name)
        const stat = await this.copyEntry(entry)
        if (stat?.isDirectory() !== true) continue
        made.push({ path: entry.to, stat })
        open.push(entry)
      }
    }
    // The innermost first: a folder's time is that of its last change, and one without rights stays one.
    for (const { path, stat } of made.reverse()) {
      this.options.signal.throwIfAborted()
      await finishFolder(path, stat)
    }
  }

  /** Undefined where it was skipped. */
  private async copyEntry(entry: Entry): Promise<Stats | undefined> {
    try {
      const stat = await lstat(entry.from)
      if (stat.isFile()) await this.copyFile(entry)
      else if (stat.isDirectory()) await mkdir(entry.to, { mode: OWN_ONLY })
      else if (stat.isSymbolicLink()) await copyLink(entry, stat)
      else this.skip(entry, kindOf(stat))
      return stat
    } catch (error) {
      if (!hasCode(error, 'ENAMETOOLONG')) throw error
      this.skippedFiles += 1
      this.skip(entry, 'path_too_long')
      return undefined
    }
  }

  private async copyFile({ from, to }: Entry): Promise<void> {
    const { signal, onProgress } = this.options
    const source = await open(from, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      const stat = await source.stat()
      const target = await open(to, 'wx', 0o600)
      try {
        const onBytes = (count: number): void => {
          signal.throwIfAborted()
          this.bytes += count
          onProgress({ doneBytes: this.bytes, doneFiles: this.files })
        }
        await copyContent(source, target, onBytes)
        await target.chmod(stat.mode & PLAIN_BITS)
        await target.utimes(stat.atime, stat.mtime)
      } finally {
        await target.close()
      }
    } finally {
      await source.close()
    }
    this.files += 1
  }

  private skip({ path }: Entry, why: SkipReason): void {
    this.skippedCount += 1
    if (this.skipped.length < MOST_TOLD) this.skipped.push({ path, why })
  }
}

function below({ from, to, path }: Entry, name: Buffer): Entry {
  return {
    from: pathBelow(from, name),
    to: pathBelow(to, name),
    path: `${path}/${name.toString('utf8')}`,
  }
}

/** What is empty in it stays a hole: a guest's sparse file takes no more here than it did there. */
async function copyContent(source: FileHandle, target: FileHandle, onBytes: (count: number) => void): Promise<void> {
  const buffer = Buffer.alloc(CHUNK_BYTES)
  const empty = Buffer.alloc(CHUNK_BYTES)
  let at = 0
  for (;;) {
    const { bytesRead } = await source.read(buffer, 0, CHUNK_BYTES, at)
    if (bytesRead === 0) break
    const isEmpty = buffer.compare(empty, 0, bytesRead, 0, bytesRead) === 0
    if (!isEmpty) await writeAll(target, buffer.subarray(0, bytesRead), at)
    at += bytesRead
    onBytes(bytesRead)
  }
  await target.truncate(at)
}

async function writeAll(target: FileHandle, bytes: Buffer, at: number): Promise<void> {
  for (let done = 0; done < bytes.length;) {
    const { bytesWritten } = await target.write(bytes, done, bytes.length - done, at + done)
    done += bytesWritten
  }
}

async function copyLink({ from, to }: Entry, { atime, mtime }: Stats): Promise<void> {
  await symlink(await readlink(from, { encoding: 'buffer' }), to)
  await lutimes(to, atime, mtime)
}

async function finishFolder(path: Buffer, { mode, atime, mtime }: Stats): Promise<void> {
  await chmod(path, mode & PLAIN_BITS)
  await utimes(path, atime, mtime)
}

function kindOf(stat: Stats): SkipReason {
  if (stat.isFIFO()) return 'fifo'
  return stat.isSocket() ? 'socket' : 'device'
}
