/** The server of an `sftp:` location, as ssh is told of it. */
export interface SftpServer {
  /** May be an alias of ssh's configuration. */
  readonly host: string
  readonly user?: string
  readonly port?: string
}

/** Undefined where it is no such location. */
export function sftpServerOf(location: string): SftpServer | undefined {
  const found =
    /^sftp:\/\/(?:(?<user>[^@/:]+)@)?(?<host>[^@/:]+)(?::(?<port>\d+))?\//.exec(location) ??
    /^sftp:(?:(?<user>[^@/:]+)@)?(?<host>[^@/:]+):/.exec(location)
  const { host, user, port } = found?.groups ?? {}
  if (host === undefined) return undefined
  return { host, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port }) }
}

/**
 * Nobody is there to be asked, keys of servers are known before, and a server that is gone is noticed within a minute.
 * Everything else is ssh's own configuration of the daemon's user.
 */
const UNATTENDED = [
  ['BatchMode', 'yes'],
  ['StrictHostKeyChecking', 'yes'],
  ['UpdateHostKeys', 'no'],
  ['ConnectTimeout', '20'],
  ['ServerAliveInterval', '15'],
  ['ServerAliveCountMax', '3'],
  ['ControlPath', 'none'],
] as const

export interface SftpLogin {
  readonly sftpKeyFile?: string
  readonly sftpKnownHostsFile?: string
}

/** What ssh is told of that server, without the subsystem; no word has a blank or a quote. */
export function sshArguments(
  { host, user, port }: SftpServer,
  { sftpKeyFile, sftpKnownHostsFile }: SftpLogin,
): string[] {
  const options = [
    ...UNATTENDED,
    ...(sftpKeyFile === undefined ? [] : [['IdentityFile', asPath(sftpKeyFile)], ...ONLY_THIS_KEY]),
    ...(sftpKnownHostsFile === undefined
      ? []
      : [['UserKnownHostsFile', asPath(sftpKnownHostsFile)], ...ONLY_THESE_HOSTS]),
  ]
  return [
    ...options.flatMap(([name, value]) => ['-o', `${name}=${value}`]),
    ...(port === undefined ? [] : ['-p', port]),
    ...(user === undefined ? [] : ['-l', user]),
    host,
  ]
}

const ONLY_THIS_KEY = [
  ['IdentitiesOnly', 'yes'],
  ['IdentityAgent', 'none'],
] as const
const ONLY_THESE_HOSTS = [['GlobalKnownHostsFile', '/dev/null']] as const

/** Letters that mean nothing to restic, which takes the command apart, nor to ssh; but for `%`, which ssh would expand. */
const PATH = /^\/[A-Za-z0-9_@%+=:,./-]*$/

function asPath(path: string): string {
  if (!PATH.test(path)) throw new RangeError(`The path ${path} has letters that ssh cannot be told.`)
  return path.replaceAll('%', '%%')
}

/** What restic starts to reach an `sftp:` location; it takes the words apart itself, without a shell. */
export function sftpCommand(location: string, login: SftpLogin): string {
  const server = sftpServerOf(location)
  if (server === undefined) throw new RangeError(`${location} is no sftp location.`)
  return ['ssh', ...sshArguments(server, login), '-s', 'sftp'].join(' ')
}
