import type { Stats } from 'node:fs'
import { access, lstat, stat } from 'node:fs/promises'

/** Owner, mode, size and kind of a file, as the host tells them. */
export type FileFacts = Stats

/** Whether an error is the host's word that nothing has that name: a look that failed otherwise says nothing of it. */
export function isAbsence(error: unknown): boolean {
  return hasCode(error, 'ENOENT')
}

/** Whether an error is the host's, of one of these kinds. */
export function hasCode(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code))
}

/** To catch with: undefined for what is not there; every other error is thrown on. */
export function unlessAbsent(error: unknown): undefined {
  if (isAbsence(error)) return undefined
  throw error
}

/** Of what a path leads to; undefined on positive evidence alone that it leads to nothing. */
export async function factsOf(path: string): Promise<FileFacts | undefined> {
  return await stat(path).catch(unlessAbsent)
}

/** As `factsOf`, but of a link itself. */
export async function ownFactsOf(path: string): Promise<FileFacts | undefined> {
  return await lstat(path).catch(unlessAbsent)
}

/** As `factsOf`; rejects where it leads to nothing. */
export async function requireFacts(path: string): Promise<FileFacts> {
  return await stat(path)
}

/** Whether anything has that name, be it a link to nothing. Rejects where the host does not say. */
export async function isThere(path: string): Promise<boolean> {
  return (await ownFactsOf(path)) !== undefined
}

/** Whether the path leads to something that we can see: false says nothing of what is there. Never rejects. */
export async function isSeen(path: string): Promise<boolean> {
  return await access(path).then(
    () => true,
    () => false,
  )
}

/** Whether both paths lead to the very same file or folder; false where the second leads to nothing. */
export async function isSameFile(path: string, other: string): Promise<boolean> {
  const [known, seen] = [await stat(path, { bigint: true }), await stat(other, { bigint: true }).catch(unlessAbsent)]
  return seen?.dev === known.dev && seen.ino === known.ino
}
