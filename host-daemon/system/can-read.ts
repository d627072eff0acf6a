import { constants } from 'node:fs'
import { open, type FileHandle } from 'node:fs/promises'

const BLOCK_BYTES = 4096
/** What disks want a buffer to begin at a multiple of, and what every buffer of ours does. */
const WANTED_ALIGNMENT = 512
const OWN_ALIGNMENT = 8

/**
 * Whether the first block of a file can be read now, past whatever is cached of it; false on positive evidence alone. Of
 * what is no file nothing is said against it. Rejects where it cannot be opened so.
 */
export async function canReadNow(path: string): Promise<boolean> {
  const file = await open(path, constants.O_RDONLY | constants.O_DIRECT)
  try {
    return !(await file.stat()).isFile() || (await canReadAligned(file))
  } finally {
    await file.close()
  }
}

/** Where a buffer begins in memory is not told: one of these places is as the disk wants it. */
async function canReadAligned(file: FileHandle): Promise<boolean> {
  const buffer = Buffer.alloc(BLOCK_BYTES + WANTED_ALIGNMENT)
  for (let at = 0; at < WANTED_ALIGNMENT; at += OWN_ALIGNMENT) {
    const isRead = await file.read(buffer, at, BLOCK_BYTES, 0).then(
      () => true,
      () => false,
    )
    if (isRead) return true
  }
  return false
}
