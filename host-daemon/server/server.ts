import type { Clock, RandomSource } from '../../src-shared/lib/clock.ts'
import { ROLES } from '../../src-shared/model/role.ts'
import type { Settings } from '../config/settings.ts'
import type { Logger } from '../logging/logger.ts'
import { UserNames } from '../system/accounts.ts'
import { createCallHandlers, type DaemonRouter } from './call-handlers.ts'
import { RestEndpoint } from './rest-endpoint.ts'
import { RoleSocket, type ConsoleEndpoint } from './role-socket.ts'
import { resolveRoleGroups, SocketDirectory } from './socket-directory.ts'

export interface ServerOptions {
  readonly settings: Pick<Settings, 'socketDirectory' | 'roleGroups' | 'limits' | 'deadlines'>
  readonly version: string
  readonly router: DaemonRouter
  readonly consoles: ConsoleEndpoint
  readonly logger: Logger
  readonly clock: Clock
  readonly random: RandomSource
}

export interface RunningServer {
  /** Closes every connection and takes the sockets away. */
  stop(): Promise<void>
}

/** Opens the three role sockets. Rejects with `StartRefusal` when it may or can not; nothing is left open then. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const { settings, version } = options
  const groups = await resolveRoleGroups(settings.roleGroups)
  const directory = await SocketDirectory.take(settings.socketDirectory)
  const sockets = createRoleSockets(options)
  const stop = async (): Promise<void> => {
    await Promise.all([...sockets.values()].map((socket) => socket.close()))
    await directory.release()
  }
  try {
    for (const [role, socket] of sockets) await directory.open(role, socket.server, groups[role])
    await directory.announce(groups, version)
    return { stop }
  } catch (error) {
    await stop()
    throw error
  }
}

function createRoleSockets(options: ServerOptions) {
  const { settings, version, router, consoles, logger, clock, random } = options
  const handlers = createCallHandlers(router, clock)
  const shared = {
    handlers,
    rest: new RestEndpoint(handlers.rest, version),
    users: new UserNames(clock),
    maxConnections: settings.limits.maxConnections,
    maxCallsPerConnection: settings.limits.maxCallsPerConnection,
    peerSilentMs: settings.deadlines.peerSilentMs,
    consoles,
    clock,
    random,
  }
  return new Map(ROLES.map((role) => [role, new RoleSocket({ ...shared, role, logger: logger.child({ role }) })]))
}
