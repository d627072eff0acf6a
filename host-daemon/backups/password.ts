import { join } from 'node:path'
import { PilothouseError } from '../../src-shared/error.ts'
import type { RandomSource } from '../../src-shared/lib/clock.ts'
import { repositoryKindOf, type RepositoryLocation } from '../../src-shared/model/repository.ts'
import { createFileAtomic } from '../system/files.ts'
import { namesIn } from '../system/folders.ts'
import { factsOf } from '../system/presence.ts'
import type { ResticPassword } from './restic/restic.ts'

/** What opens the repositories. */
export type PasswordSource = ResticPassword & {
  /** The file is the daemon's own: made by it, with random content, where it is absent. */
  readonly isOurs?: boolean
}

/** The password of the repositories below a base. */
export interface RepositoryPassword {
  /**
   * Makes it where it is ours and absent, readable by the daemon alone; durable when it resolves, and never written
   * again. Rejects with `wrong_password` where it is gone though repositories are there: another opens none of them.
   */
  make(): Promise<void>
  /** Rejects with `wrong_password` where ours is gone, and with `repository_missing` where it never was made. */
  require(): Promise<void>
}

const PASSWORD_BYTES = 32

export interface PasswordPlace {
  readonly base: RepositoryLocation
  /** Of restic, one below it for each repository. */
  readonly caches: string
  readonly random: RandomSource
}

export function repositoryPassword(source: PasswordSource, place: PasswordPlace): RepositoryPassword {
  const { base, random } = place
  const { file } = source as Partial<{ readonly file: string }>
  if (source.isOurs !== true || file === undefined) return { make: nothing, require: nothing }
  const isAbsent = async (): Promise<boolean> => {
    if ((await factsOf(file)) !== undefined) return false
    if ((await holdsRepositories(base)) || (await hasOpenedAny(place.caches))) throw lostPassword(file, place)
    return true
  }
  return {
    make: async () => {
      if (await isAbsent()) await createFileAtomic(file, `${random.hex(PASSWORD_BYTES)}\n`)
    },
    require: async () => {
      if (await isAbsent()) throw neverMade(base)
    },
  }
}

const nothing = (): Promise<void> => Promise.resolve()

/** Known of this host's own disks alone. */
async function holdsRepositories(base: RepositoryLocation): Promise<boolean> {
  if (repositoryKindOf(base) !== 'local') return false
  const names = await namesIn(base)
  return names.some((name) => name === 'config' || name.startsWith('env-'))
}

/** By the cache that restic makes of each repository that it opens, wherever that is: there was a password then. */
async function hasOpenedAny(caches: string): Promise<boolean> {
  for (const cache of await namesIn(caches))
    if ((await namesIn(join(caches, cache))).some((name) => /^[0-9a-f]{64}$/.test(name))) return true
  return false
}

function lostPassword(file: string, { base, caches }: PasswordPlace): PilothouseError {
  const says = `The password file ${file} is gone, and the repositories at ${base} open with no other; none was made.`
  return new PilothouseError('wrong_password', says, {
    hint: `Put the file back from a copy. Only where no recovery point is needed: move the repositories and ${caches} away.`,
  })
}

function neverMade(base: string): PilothouseError {
  return new PilothouseError('repository_missing', `There is no repository at ${base} yet, nor a password for one.`, {
    hint: 'Make a backup; it makes both.',
  })
}
