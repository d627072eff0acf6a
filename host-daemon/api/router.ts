import { activityHandlers } from './activity.ts'
import { backupHandlers } from './backups.ts'
import { createBase } from './base.ts'
import { consoleHandlers } from './consoles.ts'
import { driftHandlers } from './drift.ts'
import { environmentHandlers } from './environments.ts'
import { eventsHandler } from './events.ts'
import { helloHandler } from './hello.ts'
import { imageHandlers } from './images.ts'
import { operationHandlers } from './operations.ts'
import { ownerHandlers } from './owners.ts'
import { restoreHandlers } from './restores.ts'
import type { Services } from './services.ts'

/** The daemon's contract, implemented. Its context is `Caller`. It knows no roles: it is served behind the call guard. */
export function createRouter(services: Services) {
  const base = createBase(services)
  return base.router({
    hello: helloHandler(base, services),
    environments: environmentHandlers(base, services),
    operations: operationHandlers(base, services),
    backups: backupHandlers(base, services),
    ...restoreHandlers(base, services),
    owners: ownerHandlers(base, services),
    images: imageHandlers(base, services),
    consoles: consoleHandlers(base, services),
    activity: activityHandlers(base, services),
    drift: driftHandlers(base, services),
    events: eventsHandler(base, services),
  })
}

export type DaemonRouter = ReturnType<typeof createRouter>
