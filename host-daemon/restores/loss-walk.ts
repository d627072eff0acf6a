import type { PointEntry } from '../../src-shared/model/recovery-point.ts'
import { walkTree as walk, type TreeEntry } from '../system/trees.ts'

const NANOSECONDS_PER_MS = 1_000_000n

/**
 * Tells everything below a folder in tree order, as a point's listing has it. Follows no symbolic link. What vanishes in
 * the middle is left out; what cannot be read rejects.
 */
export async function* walkTree(root: string): AsyncGenerator<PointEntry, void> {
  for await (const entry of walk(root, { mayVanish: true })) yield toEntry(entry)
}

function toEntry({ path, kind, bytes, mode, modifiedAtNs }: TreeEntry): PointEntry {
  const modifiedAt = Number(modifiedAtNs / NANOSECONDS_PER_MS)
  return { path: `/${path.toString('utf8')}`, type: kind, bytes, modifiedAt, mode }
}
