import type { Duplex } from 'node:stream'
import { PilothouseError } from '../../src-shared/error.ts'
import { PROTOCOL_VERSION } from '../../src-shared/model/daemon.ts'
import { ROLES, socketNameOf, socketsFileSchema, type Role, type SocketsFile } from '../../src-shared/model/role.ts'
import type { SshLink } from '../ssh/link.ts'

/** The highest role socket that the login may open, and a stream that is already connected to it. */
export interface FoundDaemon {
  readonly path: string
  readonly stream: Duplex
}

interface RoleSocket {
  readonly role: Role
  readonly path: string
  readonly group: string | null
}

const SOCKETS_FILE = 'sockets.json'
/** Set in /proc/net/unix for a socket that somebody listens on. */
const LISTENING_FLAG = 0x10000

function parseSocketsFile(text: string | null | undefined): SocketsFile | null {
  if (text === null || text === undefined || text === '') return null
  try {
    return socketsFileSchema.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}

/** One command also makes sshd send small packets at once; SFTP is for logins that run no commands. */
async function readSocketsFile(link: SshLink, directory: string): Promise<SocketsFile | null> {
  const path = `${directory}/${SOCKETS_FILE}`
  const answer = await link.execute(['cat', '--', path])
  return parseSocketsFile(answer?.stdout) ?? parseSocketsFile(await link.readFile(path))
}

/** Without the file the sockets may still be there, for a login that may neither run commands nor read files. */
function candidatesOf(file: SocketsFile | null, directory: string): RoleSocket[] {
  const sockets =
    file?.sockets ?? ROLES.map((role) => ({ role, path: `${directory}/${socketNameOf(role)}`, group: null }))
  return [...sockets].sort((a, b) => ROLES.indexOf(b.role) - ROLES.indexOf(a.role))
}

function isListening(table: string, path: string): boolean {
  return table.split('\n').some((line) => {
    const fields = line.trim().split(/\s+/)
    return fields.slice(7).join(' ') === path && (parseInt(fields[3] ?? '', 16) & LISTENING_FLAG) !== 0
  })
}

async function testAll(link: SshLink, flag: string, candidates: readonly RoleSocket[]): Promise<(boolean | null)[]> {
  const results = await Promise.all(candidates.map(({ path }) => link.execute(['test', flag, path])))
  return results.map((result) => (result === null ? null : result.code === 0))
}

/** The server says only "open failed"; the difference between denied, stopped and not forwarded is asked for. */
async function whyNot(link: SshLink, candidates: readonly RoleSocket[]): Promise<PilothouseError> {
  const { host } = link.target
  const stopped = new PilothouseError('daemon_absent', `pilothoused is installed on ${host} but does not run.`, {
    hint: 'Start pilothoused on the host.',
  })
  const present = await testAll(link, '-S', candidates)
  if (present.every((isPresent) => isPresent === null)) return unexplained(link)
  if (!present.includes(true)) return stopped
  if (!(await testAll(link, '-w', candidates)).includes(true)) return denied(link, candidates)
  const table = await link.execute(['cat', '/proc/net/unix'])
  if (!candidates.some(({ path }) => isListening(table?.stdout ?? '', path))) return stopped
  return new PilothouseError('forbidden', `The SSH server of ${host} refuses to forward to the daemon's socket.`, {
    hint: "Set AllowStreamLocalForwarding yes in the host's sshd_config.",
  })
}

function unexplained({ target: { host, user } }: SshLink): PilothouseError {
  return new PilothouseError(
    'forbidden',
    `${host} forwards none of the daemon's sockets to ${user} and does not say why.`,
    {
      hint: 'Check the groups of the login, AllowStreamLocalForwarding in sshd_config, and that pilothoused runs.',
    },
  )
}

function denied(link: SshLink, candidates: readonly RoleSocket[]): PilothouseError {
  const groups = candidates.flatMap(({ group }) => (group === null ? [] : [group]))
  const says = `${link.target.user} may open none of the daemon's sockets on ${link.target.host}.`
  const hint =
    groups.length === 0
      ? {}
      : { hint: `Ask the host's admin to add the login to one of ${[...new Set(groups)].join(', ')}.` }
  return new PilothouseError('forbidden', says, hint)
}

/**
 * Finds the daemon on a host and opens the highest role socket that the login may open. Throws `daemon_absent`,
 * `forbidden` (socket denied, or forwarding refused) or `protocol_mismatch`, each with its sentence.
 */
export async function findDaemon(link: SshLink, directory: string): Promise<FoundDaemon> {
  const file = await readSocketsFile(link, directory)
  if (file !== null && file.protocol !== PROTOCOL_VERSION) throw protocolMismatch(file.protocol, link.target.host)
  const candidates = candidatesOf(file, directory)
  for (const { path } of candidates) {
    const stream = await link.openUnixSocket(path).catch((error: unknown) => {
      if (error instanceof PilothouseError) throw error
      return null
    })
    if (stream !== null) return { path, stream }
  }
  if (file !== null) throw await whyNot(link, candidates)
  throw new PilothouseError('daemon_absent', `No pilothoused was found on ${link.target.host} in ${directory}.`)
}

export function protocolMismatch(theirs: number, host: string): PilothouseError {
  const older = theirs < PROTOCOL_VERSION ? 'daemon is older' : 'daemon is newer'
  const says = `The daemon on ${host} speaks protocol ${theirs}, this console ${PROTOCOL_VERSION}; the ${older}.`
  return new PilothouseError('protocol_mismatch', says, { details: { theirs, ours: PROTOCOL_VERSION } })
}
