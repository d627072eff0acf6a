import { open, type FileHandle } from 'node:fs/promises'
import { ERRNO, lastErrno, libc } from './libc.ts'

const LOCK_EXCLUSIVE_NOW = 2 | 4

/** Held until `release`, or until the process is gone, however it ended. */
export interface Lock {
  release(): Promise<void>
}

/** Takes the lock that `path` stands for; undefined while another process holds it. Children do not inherit it. */
export async function takeLock(path: string): Promise<Lock | undefined> {
  const file = await open(path, 'a', 0o600)
  try {
    if (!lockNow(file)) {
      await file.close()
      return undefined
    }
  } catch (error) {
    await file.close()
    throw error
  }
  return { release: () => file.close() }
}

function lockNow(file: FileHandle): boolean {
  if ((libc().flock(file.fd, LOCK_EXCLUSIVE_NOW) as number) === 0) return true
  const errno = lastErrno()
  if (errno === ERRNO.EAGAIN) return false
  throw new Error(`the lock could not be taken (error ${errno})`)
}
