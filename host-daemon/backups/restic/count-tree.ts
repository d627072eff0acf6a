import { lstat, readdir } from 'node:fs/promises'
import type { PointSize } from './stats.ts'

const SLASH = Buffer.from('/')

/**
 * What is below a folder, counted as restic counts a point. Follows no symbolic link; names are bytes, so that none is
 * missed. Rejects when a folder cannot be read.
 */
export async function countTree(root: string): Promise<PointSize> {
  const total = { bytes: 0, entries: 0 }
  const linked = new Set<string>()
  const folders: Buffer[] = [Buffer.from(root)]
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const name of await readdir(folder, { encoding: 'buffer' })) {
      const path = Buffer.concat([folder, SLASH, name])
      const stat = await lstat(path)
      total.entries += 1
      if (stat.isDirectory()) folders.push(path)
      if (stat.isFile() && isFirstLink(stat, linked)) total.bytes += stat.size
    }
  }
  return total
}

function isFirstLink({ dev, ino, nlink }: { dev: number; ino: number; nlink: number }, linked: Set<string>): boolean {
  if (nlink < 2) return true
  const key = `${dev}:${ino}`
  if (linked.has(key)) return false
  linked.add(key)
  return true
}
