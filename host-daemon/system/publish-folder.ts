import { dirname } from 'node:path'
import { runProgram } from './child.ts'
import { isThere } from './presence.ts'
import { renameToNew } from './rename-new.ts'

const FLUSH_MS = 30 * 60_000

/** Resolves once everything that was written to the file system of that path is on its disk. */
export async function flushFileSystemOf(path: string, signal?: AbortSignal): Promise<void> {
  const bounds = { timeoutMs: FLUSH_MS, ...(signal === undefined ? {} : { signal }) }
  await runProgram({ file: 'sync', args: ['--file-system', '--', path], ...bounds })
}

/**
 * Gives a whole folder its final name beside it, in one step, with all that is in it on the disk first, and never over
 * anything that is there: false then, and nothing was changed. Where the final name alone is there it was done before.
 */
export async function publishFolder(making: string, final: string): Promise<boolean> {
  if (!(await isThere(making)) && (await isThere(final))) return true
  await flushFileSystemOf(dirname(final))
  return await renameToNew(making, final)
}
