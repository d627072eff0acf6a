import type { ResticFailureKind } from './failure.ts'
import { jsonObjectOf } from './json-lines.ts'

/** What restic's exit and words amount to; `says` and `hint` only where they tell more than the kind. */
export interface Classification {
  readonly kind: ResticFailureKind
  readonly says?: string
  readonly hint?: string
}

/** Exit codes with one meaning; 10 and 11 since restic 0.17.0, 12 since 0.17.1. Before, all of them are 1. */
const BY_EXIT: Readonly<Record<number, Classification>> = {
  2: { kind: 'unexpected', says: 'restic itself crashed', hint: 'Check the repository: damage is the usual cause.' },
  3: { kind: 'unreadable_files' },
  10: { kind: 'repository_missing' },
  11: { kind: 'repository_locked' },
  12: { kind: 'wrong_password' },
  130: { kind: 'interrupted' },
}

const NO_PASSWORD: Classification = {
  kind: 'wrong_password',
  says: 'the password could not be had from its file or command',
  hint: 'Check that the password file can be read, or that the password command prints it.',
}

const MISSING = 'data of the repository is missing'
const SERVER_FAILED = 'the server of the repository failed'

const UNTRUSTED: Classification = {
  kind: 'network_unreachable',
  says: "the server's certificate is not trusted",
  hint: "Check its name and dates; the certificate of an authority of your own belongs among the system's.",
}

const NOT_MADE: Classification = {
  kind: 'permission_denied',
  says: 'its folder cannot be made at its place',
  hint: 'Check the path in backups.base, and that the daemon or its login may make folders there.',
}

type Pattern = readonly [RegExp, Classification]

/** ssh says why before restic says that there is no session. */
const REFUSALS_OF_SSH: readonly Pattern[] = [
  [
    /host key verification failed/i,
    {
      kind: 'network_unreachable',
      says: "the server's ssh key is not the known one",
      hint: "Compare the server's key with its admin, then put it into the file of backups.sftpKnownHostsFile, or into known_hosts of the daemon's user.",
    },
  ],
  [
    /subprocess ssh: .*permission denied \(|too many authentication failures/i,
    {
      kind: 'permission_denied',
      says: 'the server refused the ssh login',
      hint: 'Check the user in backups.base and the key: that the server knows it, that it has no passphrase, and that the file of backups.sftpKeyFile is for its owner alone.',
    },
  ],
  [
    /subsystem request failed/i,
    {
      kind: 'network_unreachable',
      says: 'the ssh server offers no sftp',
      hint: 'Switch the subsystem sftp on in its sshd_config.',
    },
  ],
  [
    /exec: "ssh"/i,
    {
      kind: 'network_unreachable',
      says: 'ssh is not installed on the host',
      hint: 'Install openssh-client on the host.',
    },
  ],
]

/**
 * In this order: a repository that cannot be reached or read also "cannot open its config file", and only what is left
 * is missing.
 */
const PATTERNS: readonly Pattern[] = [
  [/resolving password failed/i, NO_PASSWORD],
  [/an empty password is not (?:a password|allowed)/i, NO_PASSWORD],
  [/wrong password or no key found/i, { kind: 'wrong_password' }],
  [/repository is already locked/i, { kind: 'repository_locked' }],
  [/no space left on device|disk quota exceeded|insufficient storage|storage full/i, { kind: 'no_space' }],
  ...REFUSALS_OF_SSH,
  [/certificate (?:signed|is|has|relies)|x509: /i, UNTRUSTED],
  [
    /connection (?:refused|reset|timed out|closed|lost)|no such host|could not resolve|network is unreachable/i,
    { kind: 'network_unreachable' },
  ],
  [/no route to host|i\/o timeout|tls handshake timeout|server misbehaving/i, { kind: 'network_unreachable' }],
  [/broken pipe|closed network connection|(?:head|get|post|put|delete) "[^"]*": eof/i, { kind: 'network_unreachable' }],
  [/operation timed out|context deadline exceeded|server gave http response/i, { kind: 'network_unreachable' }],
  [/ssh command exited|unable to start the sftp session/i, { kind: 'network_unreachable' }],
  [/\(50[0234]\)|\b50[0234] (?:internal|bad|service|gateway)/i, { kind: 'network_unreachable', says: SERVER_FAILED }],
  [/permission denied|operation not permitted|access denied|\b40[13] /i, { kind: 'permission_denied' }],
  [/access key id you provided|signature we calculated|request signature/i, { kind: 'permission_denied' }],
  [/read-only file system/i, { kind: 'permission_denied', says: 'the repository can only be read' }],
  [/no matching id found|no snapshot found|multiple ids with prefix/i, { kind: 'no_such_snapshot' }],
  [/ciphertext verification failed|repository contains errors|invalid data returned/i, { kind: 'corrupted' }],
  [/hash mismatch|does not match id|data seems to have changed|loadindex returned errors/i, { kind: 'corrupted' }],
  [
    /not found in (?:index|repository)|unable to load index|packs from index missing|contains? \d+ errors|unexpected eof/i,
    { kind: 'corrupted' },
  ],
  [/<(?:data|index)\/[0-9a-f]+>.*(?:no such file or directory|does not exist)/i, { kind: 'corrupted', says: MISSING }],
  [/create repository at .* failed: .*(?:not a directory|file does not exist|failure)/i, NOT_MADE],
  [/is there a repository at the following location|repository does not exist/i, { kind: 'repository_missing' }],
  [/signal interrupt received/i, { kind: 'interrupted' }],
]

/** The kind of a run that failed, by its exit code where that has one meaning, else by its words on stderr. */
export function classify(exitCode: number | null, stderr: string): Classification {
  const byExit = exitCode === null ? undefined : BY_EXIT[exitCode]
  if (byExit !== undefined) return byExit
  const words = stderr.split('\n').map(wordsOf)
  // restic's verdict comes last; what it says of single files on the way there is the second witness.
  for (const text of [words.filter(({ isVerdict }) => isVerdict), words]) {
    const said = text.map(({ said }) => said).join('\n')
    const found = PATTERNS.find(([pattern]) => pattern.test(said))
    if (found !== undefined) return found[1]
  }
  return { kind: 'unexpected' }
}

interface Words {
  readonly said: string
  /** Whether it is about the run as a whole; everything else may quote names that a guest chose. */
  readonly isVerdict: boolean
}

/** The message within a line, without the file's name where it is about a file: its name is a guest's choice. */
function wordsOf(line: string): Words {
  const json = jsonObjectOf(line)
  if (json !== undefined)
    return json['message_type'] === 'exit_error' ? verdict(textOf(json['message'])) : fileError(json)
  const aboutFile = /^(?:ignoring error for|error for|error:)/i.test(line)
  return aboutFile ? { said: line.slice(line.lastIndexOf(': ') + 2), isVerdict: false } : verdict(line)
}

function fileError(json: Readonly<Record<string, unknown>>): Words {
  const { error } = json
  const message = typeof error === 'object' && error !== null && 'message' in error ? textOf(error.message) : ''
  return { said: message.slice(message.lastIndexOf(': ') + 1), isVerdict: false }
}

const verdict = (said: string): Words => ({ said, isVerdict: true })
const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
