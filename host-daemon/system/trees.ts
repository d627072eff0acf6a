import type { BigIntStats } from 'node:fs'
import { lstat, readdir, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { isAbsence, unlessAbsent } from './presence.ts'

const SLASH = Buffer.from('/')
const PERMISSIONS = 0o7777n

export type EntryKind = 'file' | 'directory' | 'symlink' | 'other'

/** What is at one place of a tree; of a link it is the link itself. */
export interface TreeEntry {
  /** Below the root, without a slash before it; bytes, since a name need not be text. */
  readonly path: Buffer
  readonly kind: EntryKind
  /** Of its content; 0 for all but files. */
  readonly bytes: number
  /** Permission bits, with set-uid, set-gid and the sticky bit. */
  readonly mode: number
  readonly modifiedAtNs: bigint
  /** The same for all names of one file with several; null where it has this one alone. */
  readonly linkedAs: string | null
}

export interface WalkOptions {
  readonly signal?: AbortSignal | undefined
  /** What is looked at and entered, by its path below the root; everything unless told. */
  readonly where?: (path: Buffer) => boolean
  /** Whether what vanishes in the middle is left out; it rejects unless told. */
  readonly mayVanish?: boolean
}

/**
 * Tells everything below a folder, each folder before what is in it, names in the order of their bytes. No link is
 * followed, and how deep the tree is costs no stack: whoever made it, the walk stays in it. Rejects where something cannot
 * be read.
 */
export async function* walkTree(root: string, options: WalkOptions = {}): AsyncGenerator<TreeEntry, void> {
  const { signal, where = () => true, mayVanish = false } = options
  const caught = mayVanish ? unlessAbsent : undefined
  const top = Buffer.from(root)
  signal?.throwIfAborted()
  const open: OpenFolder[] = [{ path: Buffer.alloc(0), names: await lastFirst(top) }]
  for (let folder = open.at(-1); folder !== undefined; folder = open.at(-1)) {
    signal?.throwIfAborted()
    const name = folder.names.pop()
    if (name === undefined) {
      open.pop()
      continue
    }
    const path = folder.path.length === 0 ? name : below(folder.path, name)
    if (!where(path)) continue
    const stat = await lstat(below(top, path), { bigint: true }).catch(caught)
    if (stat === undefined) continue
    yield toEntry(path, stat)
    if (!stat.isDirectory()) continue
    const names = await lastFirst(below(top, path)).catch(caught)
    if (names !== undefined) open.push({ path, names })
  }
}

interface OpenFolder {
  readonly path: Buffer
  /** What is still to be looked at, the last first. */
  readonly names: Buffer[]
}

async function lastFirst(folder: Buffer): Promise<Buffer[]> {
  const names = await readdir(folder, { encoding: 'buffer' })
  return names.sort((one, other) => Buffer.compare(other, one))
}

const below = (folder: Buffer, name: Buffer): Buffer => Buffer.concat([folder, SLASH, name])

function toEntry(path: Buffer, stat: BigIntStats): TreeEntry {
  const kind = kindOf(stat)
  return {
    path,
    kind,
    bytes: kind === 'file' ? Number(stat.size) : 0,
    mode: Number(stat.mode & PERMISSIONS),
    modifiedAtNs: stat.mtimeNs,
    linkedAs: kind === 'file' && stat.nlink > 1n ? `${stat.dev}:${stat.ino}` : null,
  }
}

function kindOf(stat: BigIntStats): EntryKind {
  if (stat.isDirectory()) return 'directory'
  if (stat.isSymbolicLink()) return 'symlink'
  return stat.isFile() ? 'file' : 'other'
}

/** Removes files and links of a tree, by their paths below its root. Nobody else may write to the tree meanwhile. */
export async function unlinkBelow(root: string, paths: readonly Buffer[]): Promise<void> {
  for (const path of paths) await unlink(below(Buffer.from(root), path))
}

/** Whether this path leads to something in the tree, through folders alone: no link is followed, only the last may be one. */
export async function isInTree(root: string, names: readonly string[]): Promise<boolean> {
  let at = root
  for (const [index, name] of names.entries()) {
    at = join(at, name)
    const stat = await lstat(at).catch(unlessUnreachable)
    if (stat === undefined) return false
    if (index < names.length - 1 && !stat.isDirectory()) return false
  }
  return true
}

function unlessUnreachable(error: unknown): undefined {
  if (isAbsence(error)) return undefined
  if (error instanceof Error && 'code' in error && ['ENOTDIR', 'ENAMETOOLONG'].includes(String(error.code)))
    return undefined
  throw error
}
