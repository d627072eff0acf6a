import { walkTree, type TreeEntry } from '../../system/trees.ts'
import type { PointSize } from './stats.ts'

/**
 * What is below a folder, counted as restic counts a point. Follows no symbolic link; names are bytes, so that none is
 * missed. Rejects when a folder cannot be read.
 */
export async function countTree(root: string): Promise<PointSize> {
  const total = { bytes: 0, entries: 0 }
  const linked = new Set<string>()
  for await (const entry of walkTree(root)) {
    total.entries += 1
    if (isFirstLink(entry, linked)) total.bytes += entry.bytes
  }
  return total
}

function isFirstLink({ linkedAs }: TreeEntry, linked: Set<string>): boolean {
  if (linkedAs === null) return true
  if (linked.has(linkedAs)) return false
  linked.add(linkedAs)
  return true
}
