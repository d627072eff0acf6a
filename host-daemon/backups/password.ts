import { readdir, stat } from 'node:fs/promises'
import { PilothouseError } from '../../src-shared/error.ts'
import type { RandomSource } from '../../src-shared/lib/clock.ts'
import { repositoryKindOf, type RepositoryLocation } from '../../src-shared/model/repository.ts'
import { createFileAtomic } from '../system/files.ts'
import type { ResticPassword } from './restic/restic.ts'

/** What opens the repositories. */
export type PasswordSource = ResticPassword & {
  /** The file is the daemon's own: made by it, with random content, where it is absent. */
  readonly isOurs?: boolean
}

const PASSWORD_BYTES = 32

/**
 * Makes the password where it is ours and absent, readable by the daemon alone; durable when it resolves, and never
 * written again. Rejects with `wrong_password` where it is gone though repositories are there: another one would open
 * none of them.
 */
export async function ensurePassword(
  source: PasswordSource,
  { base, random }: { readonly base: RepositoryLocation; readonly random: RandomSource },
): Promise<void> {
  if (source.isOurs !== true || !('file' in source) || (await isThere(source.file))) return
  if (await holdsRepositories(base)) throw lostPassword(source.file, base)
  await createFileAtomic(source.file, `${random.hex(PASSWORD_BYTES)}\n`)
}

function isThere(path: string): Promise<boolean> {
  return stat(path).then(() => true, unlessAbsent)
}

/** Known of this host's own disks alone. */
async function holdsRepositories(base: RepositoryLocation): Promise<boolean> {
  if (repositoryKindOf(base) !== 'local') return false
  const names = await readdir(base).catch((error: unknown) => (unlessAbsent(error), []))
  return names.some((name) => name === 'config' || name.startsWith('env-'))
}

function unlessAbsent(error: unknown): false {
  if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
  throw error
}

function lostPassword(file: string, base: string): PilothouseError {
  const says = `The password file ${file} is gone, and the repositories at ${base} open with no other; none was made.`
  return new PilothouseError('wrong_password', says, {
    hint: 'Put the file back from a copy. Only where no recovery point is needed: move the repositories away.',
  })
}
