import { join } from 'node:path'
import { ConsoleService } from '../../host-daemon/consoles/console-service.ts'
import { loadSettings, type Settings } from '../../host-daemon/config/settings.ts'
import { WebSocketConsoles } from '../../host-daemon/server/console-endpoint.ts'
import { startServer } from '../../host-daemon/server/server.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import { SystemRandom } from '../../host-daemon/system/random.ts'
import { socketNameOf, type Role } from '../../src-shared/model/role.ts'
import { captureLog, connectClient } from './edge.ts'
import { startFakeDriverDaemon, type FakeDriverDaemonOptions } from './fake-driver-daemon.ts'

const OWNER_ONLY: Settings['roleGroups'] = { viewer: null, operator: null, admin: null }

/** The daemon with pretended guests behind the real edge: role sockets, peers, consoles. */
export async function serveFakeDriverDaemon(options: FakeDriverDaemonOptions = {}) {
  const host = await startFakeDriverDaemon(options)
  const [clock, random] = [new SystemClock(), new SystemRandom()]
  const defaults = await loadSettings({ environment: {} })
  const socketDirectory = join(host.folder, 'run')
  const consoles = new ConsoleService({
    directory: host.daemon.bootDirectory,
    clock,
    recordTyping: () => undefined,
  })
  const log = captureLog()
  const server = await startServer({
    settings: { ...defaults, socketDirectory, roleGroups: OWNER_ONLY },
    version: '0.0.0-test',
    router: host.daemon.router,
    consoles: new WebSocketConsoles(consoles),
    logger: log.logger,
    clock,
    random,
  })
  const stop = async () => {
    await server.stop()
    consoles.dispose()
    await host.daemon.stop()
  }
  return {
    host,
    log,
    socketDirectory,
    connect: (role: Role) => connectClient(join(socketDirectory, socketNameOf(role))),
    stop,
    remove: async () => {
      await stop()
      await host.remove()
    },
  }
}
