import type { Host } from '../../src-shared/model/host.ts'
import { roleIncludes, type Role } from '../../src-shared/model/role.ts'
import { hostShown } from './host-state.ts'

/** Why nothing that needs this role can be asked of a host now, as one sentence; null when it can. */
export function roleBlock(host: Host | undefined, needed: Role, now: number): string | null {
  if (host === undefined) return 'This host is no longer known.'
  const { connection } = host
  if (connection.kind !== 'connected') return `${host.name} is not connected. ${hostShown(connection, now).sentence}`
  const held = connection.daemon.role
  return roleIncludes(held, needed) ? null : `Needs the ${needed} role; you are ${held} on ${host.name}.`
}
