import { constants, type BigIntStats } from 'node:fs'
import { lstat, open, readdir, readlink, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { hasCode, isAbsence, unlessAbsent } from './presence.ts'

const SLASH = Buffer.from('/')
const PERMISSIONS = 0o7777n
/** It has to be a folder, and by its own name. */
const OWN_FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW

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
  /** Whether what vanishes in the middle, or is a folder no more, is left out; it rejects unless told. */
  readonly mayVanish?: boolean
}

/**
 * Tells everything below a folder, each folder before what is in it, names in the order of their bytes. How deep the
 * tree is costs no stack. Whoever made it, and whoever changes it meanwhile, no folder is read but those of the tree: a
 * link that takes the place of one is not followed, though what is told of the names that were read in that one may be
 * of what it leads to. Rejects where something cannot be read.
 */
export async function* walkTree(root: string, options: WalkOptions = {}): AsyncGenerator<TreeEntry, void> {
  const { signal, where = () => true, mayVanish = false } = options
  const top = Buffer.from(root)
  signal?.throwIfAborted()
  const { names: first, place } = await readFolder(top, null)
  const entered: EnteredFolder[] = [{ path: Buffer.alloc(0), names: first }]
  for (let folder = entered.at(-1); folder !== undefined; folder = entered.at(-1)) {
    signal?.throwIfAborted()
    const name = folder.names.pop()
    if (name === undefined) {
      entered.pop()
      continue
    }
    const path = folder.path.length === 0 ? name : pathBelow(folder.path, name)
    if (!where(path)) continue
    const stat = await lstat(pathBelow(top, path), { bigint: true }).catch(mayVanish ? unlessAbsent : undefined)
    if (stat === undefined) continue
    yield toEntry(path, stat)
    if (!stat.isDirectory()) continue
    const read = await readFolder(pathBelow(top, path), pathBelow(place, path)).catch(
      mayVanish ? unlessLeft : undefined,
    )
    if (read !== undefined) entered.push({ path, names: read.names })
  }
}

interface EnteredFolder {
  readonly path: Buffer
  /** What is still to be looked at, the last first. */
  readonly names: Buffer[]
}

interface ReadFolder {
  /** The last first. */
  readonly names: Buffer[]
  /** Where the kernel says that it is. */
  readonly place: Buffer
}

/** What is there is no folder of the tree: a link in its path leads out of it. */
class ReplacedError extends Error {}

/** `place` is where it must be; null where any will do, and any way there. */
async function readFolder(path: Buffer, place: Buffer | null): Promise<ReadFolder> {
  const folder = await open(path, place === null ? constants.O_RDONLY | constants.O_DIRECTORY : OWN_FOLDER)
  try {
    const self = `/proc/self/fd/${folder.fd}`
    const found = await readlink(self, { encoding: 'buffer' })
    if (place?.equals(found) === false) throw new ReplacedError('A folder was replaced while its tree was read.')
    const names = await readdir(self, { encoding: 'buffer' })
    return { names: names.sort((one, other) => Buffer.compare(other, one)), place: found }
  } finally {
    await folder.close()
  }
}

/** To catch with: undefined where the folder is not there any more, or is none. */
function unlessLeft(error: unknown): undefined {
  if (isAbsence(error) || hasCode(error, 'ENOTDIR', 'ELOOP') || error instanceof ReplacedError) return undefined
  throw error
}

/** Bytes, as names in a tree are. */
export const pathBelow = (folder: Buffer, name: Buffer): Buffer => Buffer.concat([folder, SLASH, name])

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
  for (const path of paths) await unlink(pathBelow(Buffer.from(root), path))
}

/**
 * Whether this path leads to something in the tree, through folders alone: no link is followed, only the last may be
 * one.
 */
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
  if (isAbsence(error) || hasCode(error, 'ENOTDIR', 'ENAMETOOLONG')) return undefined
  throw error
}
