import { z } from 'zod'
import { repositoryKindOf, type RepositoryLocation } from '../../../src-shared/model/repository.ts'
import { readHead } from '../../system/file-parts.ts'
import { ResticFailure } from './failure.ts'
import { sftpCommand } from './sftp-command.ts'

/** What opens the way to repositories elsewhere, each of its kind alone; absolute paths. */
export interface RepositoryAccess {
  /** A private key without a passphrase; without one, ssh's own configuration and keys count. */
  readonly sftpKeyFile?: string
  /** The only known hosts that count; without one, those of ssh's own configuration do. */
  readonly sftpKnownHostsFile?: string
  /** One line, `user:password`; read for every run, so that it can change under a daemon that runs. */
  readonly restCredentialsFile?: string
  /** In the form of AWS's own. */
  readonly s3CredentialsFile?: string
}

/** What restic is told so that it finds the repository and gets in. */
export interface WayIn {
  /** Hold no secret. */
  readonly flags: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** What none may see of it, whoever says it again. */
  readonly secret?: string
}

export const absolutePath = z.string().regex(/^\/[^\p{Cc}]*$/u, 'must be an absolute path')

/** Throws where a path is none. */
export function requireAccess({ sftpKeyFile, sftpKnownHostsFile, ...files }: RepositoryAccess): void {
  const { restCredentialsFile, s3CredentialsFile } = files
  for (const path of [sftpKeyFile, sftpKnownHostsFile, restCredentialsFile, s3CredentialsFile])
    absolutePath.optional().parse(path)
}

/** Rejects with `ResticFailure` where the file with the credentials does not serve. */
export async function wayTo(
  repository: RepositoryLocation,
  access: RepositoryAccess & { readonly verb: string },
): Promise<WayIn> {
  const { restCredentialsFile, s3CredentialsFile } = access
  const flags = ['--repo', repository]
  const kind = repositoryKindOf(repository)
  if (kind === 'sftp')
    return { flags: [...flags, '--option', `sftp.command=${sftpCommand(repository, access)}`], environment: {} }
  if (kind === 'rest' && restCredentialsFile !== undefined)
    return restWay(repository, await readCredentials(restCredentialsFile, access.verb))
  const environment = s3CredentialsFile === undefined ? {} : { AWS_SHARED_CREDENTIALS_FILE: s3CredentialsFile }
  if (kind === 's3') return { flags: [...flags, ...FEW_SILENT_TRIES], environment }
  return { flags, environment: {} }
}

/** restic tries again by itself, and says why; its client of S3 would do so for long in silence. */
const FEW_SILENT_TRIES = ['--option', 's3.retries=3']

/** Newer versions than 0.14 take them apart from the location too; all of them take them so. */
function restWay(repository: RepositoryLocation, { user, password }: Credentials): WayIn {
  const login = `${encodeURIComponent(user)}:${encodeURIComponent(password)}`
  return {
    flags: [],
    environment: { RESTIC_REPOSITORY: repository.replace('://', () => `://${login}@`) },
    secret: password,
  }
}

interface Credentials {
  readonly user: string
  readonly password: string
}

const CREDENTIALS = /^\uFEFF?([^:\p{Cc}]+):(\P{Cc}+)\r?\n?$/u
const CREDENTIALS_BYTES = 8192

async function readCredentials(path: string, verb: string): Promise<Credentials> {
  const head = await readHead(path, CREDENTIALS_BYTES).catch((cause: unknown) => {
    const says = `the file with the user and password of the REST server, ${path}, cannot be read`
    throw new ResticFailure('permission_denied', { verb, says, hint: CREDENTIALS_HINT, cause })
  })
  const isWhole = head.length < CREDENTIALS_BYTES
  const [, user, password] = isWhole ? (CREDENTIALS.exec(head.toString('utf8')) ?? []) : []
  if (user !== undefined && password !== undefined) return { user, password }
  const says = `the file ${path} does not hold one line, user:password`
  throw new ResticFailure('permission_denied', { verb, says, hint: CREDENTIALS_HINT })
}

const CREDENTIALS_HINT =
  'Write the one line user:password into the file of backups.restCredentialsFile, for the daemon alone to read.'

/** The same text without the secret, in either form in which it was told. */
export function withoutSecret(text: string, { secret }: WayIn): string {
  if (secret === undefined) return text
  return text.replaceAll(encodeURIComponent(secret), '***').replaceAll(secret, '***')
}
