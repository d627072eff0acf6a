import { dirname } from 'node:path'
import { syncDirectory } from './files.ts'
import { ERRNO, lastErrno, libc } from './libc.ts'

const HERE = -100
const WITHOUT_REPLACING = 1

/**
 * Renames within one file system, in one step, and never over anything that is there, be it empty: false then, and
 * nothing was changed. Durable when it resolves.
 */
export async function renameToNew(from: string, to: string): Promise<boolean> {
  const result = libc().renameat2(HERE, from, HERE, to, WITHOUT_REPLACING)
  const code = result === 0 ? 0 : lastErrno()
  if (code === ERRNO.EEXIST) return false
  if (code !== 0) throw new Error(`${from} could not be renamed to ${to}: error ${code}`)
  await syncDirectory(dirname(to))
  return true
}
