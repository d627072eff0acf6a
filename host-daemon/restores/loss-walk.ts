import { lstat, readdir } from 'node:fs/promises'
import type { BigIntStats } from 'node:fs'
import type { PointEntry } from '../../src-shared/model/recovery-point.ts'

const SLASH = Buffer.from('/')
const NANOSECONDS = 1_000_000n
const PERMISSIONS = 0o7777n

/**
 * Tells everything below a folder in tree order, as a point's listing has it. Follows no symbolic link. What vanishes in
 * the middle is left out; what cannot be read rejects.
 */
export async function* walkTree(root: string): AsyncGenerator<PointEntry, void> {
  yield* walkFolder(Buffer.from(root), '')
}

async function* walkFolder(folder: Buffer, above: string): AsyncGenerator<PointEntry, void> {
  const names = await readdir(folder, { encoding: 'buffer' })
  for (const name of names.sort((one, other) => Buffer.compare(one, other))) {
    const at = Buffer.concat([folder, SLASH, name])
    const path = `${above}/${name.toString('utf8')}`
    const stat = await lstat(at, { bigint: true }).catch(unlessGone)
    if (stat === undefined) continue
    yield toEntry(path, stat)
    if (stat.isDirectory()) yield* walkFolder(at, path)
  }
}

function unlessGone(error: unknown): undefined {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
  throw error
}

function toEntry(path: string, stat: BigIntStats): PointEntry {
  const type = typeOf(stat)
  const bytes = type === 'file' ? Number(stat.size) : 0
  return { path, type, bytes, modifiedAt: Number(stat.mtimeNs / NANOSECONDS), mode: Number(stat.mode & PERMISSIONS) }
}

function typeOf(stat: BigIntStats): PointEntry['type'] {
  if (stat.isDirectory()) return 'directory'
  if (stat.isSymbolicLink()) return 'symlink'
  return stat.isFile() ? 'file' : 'other'
}
