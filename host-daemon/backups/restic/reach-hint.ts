import { repositoryKindOf, type RepositoryLocation } from '../../../src-shared/model/repository.ts'
import type { ResticFailureKind } from './failure.ts'
import { sftpServerOf, type SftpLogin } from './sftp-command.ts'

/**
 * What to look at where a repository elsewhere cannot be reached or does not let us in; undefined where its kind and
 * its place tell no more than the failure itself does.
 */
export function reachHint(kind: ResticFailureKind, { repository, login }: Place): string | undefined {
  if (kind !== 'network_unreachable' && kind !== 'permission_denied') return undefined
  const where = repositoryKindOf(repository)
  if (where === undefined || where === 'local') return undefined
  return kind === 'permission_denied' ? REFUSED[where] : unreached(where, { repository, login })
}

const REFUSED = {
  sftp: 'Let the login of backups.base read and write its folder on the server.',
  rest: 'Check the user and password in the file of backups.restCredentialsFile, and what the server lets them do.',
  s3: 'Check the keys in the file of backups.s3CredentialsFile, and what they may do with the bucket.',
} as const

interface Place {
  readonly repository: RepositoryLocation
  readonly login: SftpLogin
}

function unreached(where: 'sftp' | 'rest' | 's3', { repository, login }: Place): string {
  if (where === 'sftp')
    return `On the host, try ${tryingBySsh(repository, login)}; check that the ssh server there runs.`
  return `Check that the server at ${serverOf(repository)} runs and that the host reaches it, with curl for example.`
}

function tryingBySsh(repository: RepositoryLocation, { sftpKeyFile, sftpKnownHostsFile }: SftpLogin): string {
  const { host, user, port } = sftpServerOf(repository) ?? { host: repository }
  const words = [
    ...['ssh', '-o BatchMode=yes'],
    ...(sftpKnownHostsFile === undefined ? [] : [`-o UserKnownHostsFile=${sftpKnownHostsFile}`]),
    ...(sftpKeyFile === undefined ? [] : [`-i ${sftpKeyFile}`]),
    ...(port === undefined ? [] : [`-p ${port}`]),
    user === undefined ? host : `${user}@${host}`,
  ]
  return words.join(' ')
}

/** Scheme, host and port, without the path. */
const serverOf = (repository: string): string =>
  /^(?:rest|s3):((?:https?:\/\/)?[^/]+)/.exec(repository)?.[1] ?? repository
