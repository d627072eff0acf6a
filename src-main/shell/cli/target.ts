import { hostNameSchema } from '../../../src-shared/model/ids.ts'
import type { DaemonTarget, HostRoster } from './ports.ts'
import { usageError } from './usage-error.ts'

export interface TargetOptions {
  readonly host?: string
  readonly socket?: string
}

export const HOST_VARIABLE = 'PILOTHOUSE_HOST'
export const SOCKET_VARIABLE = 'PILOTHOUSE_SOCKET'

/**
 * Which daemon a command is for. Flags win over the environment; nothing is ever assumed: with neither, the
 * command is refused and the hosts that could be meant are named.
 */
export function targetOf(
  options: TargetOptions,
  env: Readonly<Record<string, string | undefined>>,
  book: () => Pick<HostRoster, 'list'>,
): DaemonTarget {
  const hasFlag = options.host !== undefined || options.socket !== undefined
  const { host, socket } = hasFlag ? options : { host: env[HOST_VARIABLE], socket: env[SOCKET_VARIABLE] }
  if (host !== undefined && socket !== undefined) {
    const names = hasFlag ? '--host and --socket' : `${HOST_VARIABLE} and ${SOCKET_VARIABLE}`
    throw usageError(`${names} were both given; a command is for one daemon.`, 'Leave one of the two out.')
  }
  if (socket !== undefined) return { kind: 'socket', path: socket }
  if (host === undefined) throw noTarget(book)
  const name = hostNameSchema.safeParse(host)
  if (!name.success) throw usageError(`The host's name ${name.error.issues[0]?.message ?? 'is malformed'}.`)
  return { kind: 'host', name: name.data }
}

function noTarget(book: () => Pick<HostRoster, 'list'>): Error {
  const names = book()
    .list()
    .map(({ name }) => name)
  const known =
    names.length === 0 ? 'No host is stored yet; see `pilothouse hosts add`.' : `Stored hosts: ${names.join(', ')}.`
  return usageError(
    `Say which daemon: --host NAME or --socket PATH (or ${HOST_VARIABLE}, ${SOCKET_VARIABLE}). ${known}`,
    names.length === 0 ? 'pilothouse hosts add NAME ADDRESS' : `Add --host ${names[0] ?? ''}`,
  )
}
