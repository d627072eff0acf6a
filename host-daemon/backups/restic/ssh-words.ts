import { repositoryKindOf, type RepositoryLocation } from '../../../src-shared/model/repository.ts'
import { runProgram } from '../../system/child.ts'
import { ProgramFailure } from '../../system/program-failure.ts'
import { sftpServerOf, sshArguments, type SftpLogin } from './sftp-command.ts'

const ASKED_MS = 30_000

export interface SilentRun {
  readonly repository: RepositoryLocation
  readonly login: SftpLogin
  /** What restic wrote. */
  readonly stderr: string
  readonly signal?: AbortSignal
}

/**
 * Why ssh did not get to the server, in ssh's words and the form in which restic tells them. restic often drops them
 * when ssh ends early, so that ssh is asked once more; nothing, where restic told them or ssh now gets there.
 */
export async function missedWordsOfSsh({ repository, login, stderr, signal }: SilentRun): Promise<string> {
  const server = repositoryKindOf(repository) === 'sftp' ? sftpServerOf(repository) : undefined
  if (server === undefined || !NO_SESSION.test(stderr) || TOLD.test(stderr)) return ''
  const args = [...sshArguments(server, login), '-s', 'sftp']
  const bounds = { timeoutMs: ASKED_MS, ...(signal === undefined ? {} : { signal }) }
  const said = await runProgram({ file: 'ssh', args, ...bounds }).then(() => '', wordsOf)
  return said.replaceAll(/^(?=.)/gm, 'subprocess ssh: ')
}

const NO_SESSION = /unable to start the sftp session/
/** The last of what ssh says of each reason. */
const TOLD = /^subprocess ssh: (?:ssh: |host key verification failed|.*permission denied \()/im

function wordsOf(error: unknown): string {
  if (error instanceof ProgramFailure) return error.stderr
  throw error
}
