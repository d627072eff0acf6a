import { walkTree, type TreeEntry } from '../../system/trees.ts'
import type { PointSize } from './stats.ts'

/**
 * What is below a folder, counted as restic counts a point. Follows no symbolic link; names are bytes, so that none is
 * missed. Rejects when a folder cannot be read, and at once with the reason of its signal.
 */
export async function countTree(root: string, signal: AbortSignal | undefined): Promise<PointSize> {
  const total = { bytes: 0, entries: 0 }
  const linked = new Set<string>()
  for await (const entry of walkTree(root, { signal })) {
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
