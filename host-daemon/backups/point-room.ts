import type { PointSize } from './point-repository.ts'

const MIB = 1024 * 1024
/** Inodes, journal and bitmaps of a file system beside what is in it. */
const OVERHEAD = 1.1
const LEAST_OVERHEAD_MIB = 16
/** As the file system is made: one inode for every 16 KiB. */
const INODES_PER_MIB = 64

/** Pure: the size of a home, in MiB, that so much surely fits into. */
export function roomForMiB({ bytes, entries }: PointSize): number {
  const forBytes = (bytes / MIB) * OVERHEAD + LEAST_OVERHEAD_MIB
  const forEntries = (entries / INODES_PER_MIB) * OVERHEAD
  return Math.ceil(Math.max(forBytes, forEntries))
}
