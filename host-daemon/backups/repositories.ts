import { createHash } from 'node:crypto'
import { join } from 'node:path'
import type { Clock, RandomSource } from '../../src-shared/lib/clock.ts'
import type { EnvironmentId } from '../../src-shared/model/ids.ts'
import {
  repositoryKindOf,
  repositoryLocationSchema,
  type RepositoryLocation,
} from '../../src-shared/model/repository.ts'
import { repositoryPassword, type PasswordSource } from './password.ts'
import type { PointRepository, Repositories } from './point-repository.ts'
import { ResticRepository } from './restic-repository.ts'
import type { RepositoryAccess } from './restic/access.ts'
import { Restic, type ResticSettings } from './restic/restic.ts'

export interface ResticRepositoriesOptions extends Pick<ResticSettings, 'bandwidth' | 'stopGraceMs' | 'program'> {
  readonly base: RepositoryLocation
  /** One repository, at the base, for all environments; else each has its own below it. */
  readonly isShared: boolean
  readonly password: PasswordSource
  /** Nothing of it is needed where repositories are on this host. */
  readonly access?: RepositoryAccess
  /** Absolute; each repository has a cache of its own below it. */
  readonly cacheDirectory: string
  /** Without progress for so long, a call that moves data is stopped. */
  readonly idleMs: number
  readonly clock: Clock
  readonly random: RandomSource
}

/** Repositories that restic keeps. Nothing is asked, made or written before the first call to one of them. */
export function createResticRepositories(options: ResticRepositoriesOptions): Repositories {
  const { base, isShared } = options
  const at = (location: string): PointRepository => repositoryAt(repositoryLocationSchema.parse(location), options)
  return {
    base,
    isOnThisHost: repositoryKindOf(base) === 'local',
    of: (environmentId) => at(isShared ? base : locationOf(base, environmentId)),
    at,
  }
}

/** An environment's own repository below the base. */
function locationOf(base: RepositoryLocation, environmentId: EnvironmentId): RepositoryLocation {
  const [, folder, end] = /^(.*?)(\/?)$/.exec(base) ?? []
  return repositoryLocationSchema.parse(`${folder ?? base}/${environmentId}${end ?? ''}`)
}

function repositoryAt(repository: RepositoryLocation, options: ResticRepositoriesOptions): PointRepository {
  const { base, password, random, clock, cacheDirectory, idleMs, bandwidth, access, stopGraceMs, program } = options
  const settings = {
    ...access,
    repository,
    password,
    cacheDirectory: join(cacheDirectory, cacheNameOf(repository)),
    ...(bandwidth === undefined ? {} : { bandwidth }),
    ...(stopGraceMs === undefined ? {} : { stopGraceMs }),
    ...(program === undefined ? {} : { program }),
  }
  return new ResticRepository(new Restic(settings, clock), {
    password: repositoryPassword(password, { base, caches: cacheDirectory, random }),
    idleMs,
  })
}

const CACHE_NAME_DIGITS = 16

/** A location is too long, and has too many slashes, for a folder's name. */
function cacheNameOf(location: string): string {
  return createHash('sha256').update(location).digest('hex').slice(0, CACHE_NAME_DIGITS)
}
