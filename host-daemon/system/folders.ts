import { chmod, mkdir, readdir, rm } from 'node:fs/promises'
import { unlessAbsent } from './presence.ts'

/** The folder is there, with its parents. What is made has `mode`, narrowed by the umask; what was there keeps its own. */
export async function ensureFolder(path: string, mode: number): Promise<void> {
  await mkdir(path, { recursive: true, mode })
}

/** The folder is there with exactly this mode, whatever the umask, and whoever made it. */
export async function ensureFolderWithMode(path: string, mode: number): Promise<void> {
  await ensureFolder(path, mode)
  await chmod(path, mode)
}

/** The folder is there and empty: what was in it is removed. Its mode is as with `ensureFolder`. */
export async function makeEmptyFolder(path: string, mode: number): Promise<void> {
  await removeTree(path)
  await ensureFolder(path, mode)
}

/** Removes a file, a link, or a folder with all that is below it; no link is followed. What is absent is no failure. */
export async function removeTree(path: string): Promise<void> {
  await rm(path, { recursive: true, force: true })
}

/** Removes a file or a link; rejects for a folder. What is absent is no failure. */
export async function removeFile(path: string): Promise<void> {
  await rm(path, { force: true })
}

/** Names in a folder, in no order; none where there is no such folder. */
export async function namesIn(folder: string): Promise<string[]> {
  return (await requireNamesIn(folder).catch(unlessAbsent)) ?? []
}

/** As `namesIn`; rejects where there is no such folder: that says nothing of what would be in it. */
export async function requireNamesIn(folder: string): Promise<string[]> {
  return await readdir(folder)
}
