import { repositoryLocationSchema, type RepositoryLocation } from '../../src-shared/model/repository.ts'
import type { PasswordSource } from '../backups/password.ts'
import type { ResticRepositoriesOptions } from '../backups/repositories.ts'
import type { RepositoryAccess } from '../backups/restic/access.ts'
import type { StateDirectory } from '../system/state-directory.ts'
import type { Settings } from './settings.ts'
import { StartRefusal } from './start-refusal.ts'

/** Restores, clones and fetchings of files at once for which there is a share of the bandwidth. */
const RESTORES_BESIDE = 1

type Places = Pick<StateDirectory, 'repositories' | 'repositoryPassword' | 'resticCaches'>

/** Where repositories are and how they are opened, by the settings and, where those say nothing, below the state. */
export function repositoryOptionsOf(
  { backups }: Settings,
  state: Places,
): Omit<ResticRepositoriesOptions, 'clock' | 'random'> {
  const { isShared, idleMs } = backups
  return {
    base: backups.base ?? baseBelow(state.repositories),
    isShared,
    password: passwordOf(backups, state),
    cacheDirectory: state.resticCaches,
    bandwidth: bandwidthOfEach(backups),
    access: accessOf(backups),
    idleMs,
  }
}

/**
 * What one of restic's processes may have of the host's limits, which it can be told only when it starts. Restores need no
 * turn, and send no more than their locks: they have a part in what is received alone.
 */
function bandwidthOfEach({ uploadKiBps, downloadKiBps, maxConcurrent }: Settings['backups']) {
  const share = (limit: number, users: number) => Math.max(1, Math.floor(limit / users))
  return {
    ...(uploadKiBps === null ? {} : { uploadKiBps: share(uploadKiBps, maxConcurrent) }),
    ...(downloadKiBps === null ? {} : { downloadKiBps: share(downloadKiBps, maxConcurrent + RESTORES_BESIDE) }),
  }
}

function accessOf(backups: Settings['backups']): RepositoryAccess {
  const { sftpKeyFile, sftpKnownHostsFile, restCredentialsFile, s3CredentialsFile } = backups
  return {
    ...(sftpKeyFile === null ? {} : { sftpKeyFile }),
    ...(sftpKnownHostsFile === null ? {} : { sftpKnownHostsFile }),
    ...(restCredentialsFile === null ? {} : { restCredentialsFile }),
    ...(s3CredentialsFile === null ? {} : { s3CredentialsFile }),
  }
}

/** A state folder may have a path that no repository can have. */
function baseBelow(path: string): RepositoryLocation {
  const base = repositoryLocationSchema.safeParse(path)
  if (base.success) return base.data
  throw new StartRefusal(
    `repositories cannot be at ${path}, below the state folder (setting stateDirectory): a repository's location ` +
      'has other letters; set backups.base to another place',
  )
}

function passwordOf({ passwordFile, passwordCommand }: Settings['backups'], state: Places): PasswordSource {
  const [program, ...args] = passwordCommand ?? []
  if (program !== undefined) return { command: [program, ...args] }
  if (passwordFile !== null) return { file: passwordFile }
  return { file: state.repositoryPassword, isOurs: true }
}
