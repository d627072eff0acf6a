import { constants } from 'node:fs'
import { open } from 'node:fs/promises'

const BLOCK_BYTES = 4096

/**
 * Whether the first block of a file can be read now, past whatever is cached of it; false on positive evidence alone. Of
 * what is no file nothing is said against it. Rejects where it cannot be opened.
 */
export async function canReadNow(path: string): Promise<boolean> {
  const file = await open(path, constants.O_RDONLY | constants.O_DIRECT)
  try {
    if (!(await file.stat()).isFile()) return true
    await file.read(Buffer.alloc(BLOCK_BYTES), 0, BLOCK_BYTES, 0)
    return true
  } catch (error) {
    // Of a file system that wants another buffer for this: it has not tried to read.
    return error instanceof Error && 'code' in error && error.code === 'EINVAL'
  } finally {
    await file.close()
  }
}
