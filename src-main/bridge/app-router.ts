import { implement } from '@orpc/server'
import { appContract } from '../../src-shared/contract/app.ts'
import type { ConsoleCore } from '../index.ts'
import type { BridgeContext } from './context.ts'
import { passThroughRouter } from './pass-through.ts'

/** What main itself answers, and beside it the daemon's contract passed through. */
export function appRouter(core: ConsoleCore) {
  const { fleet, shell, version, claimedActor, clock } = core
  const app = implement(appContract).$context<BridgeContext>()
  return {
    app: { info: app.app.info.handler(() => ({ version, shell, claimedActor, now: clock.now() })) },
    hosts: {
      list: app.hosts.list.handler(() => fleet.list()),
      add: app.hosts.add.handler(({ input }) => fleet.add(input.name, input.target)),
      remove: app.hosts.remove.handler(({ input }) => {
        fleet.remove(input.hostId)
        return {}
      }),
      connect: app.hosts.connect.handler(({ input }) => fleet.connect(input.hostId)),
      disconnect: app.hosts.disconnect.handler(({ input }) => fleet.disconnect(input.hostId)),
      acceptKey: app.hosts.acceptKey.handler(({ input }) => fleet.acceptKey(input.hostId, input.fingerprint)),
    },
    activity: {
      heads: app.activity.heads.handler(({ input }) => core.activity.heads(input.hostId)),
      verify: app.activity.verify.handler(({ input, signal }) => core.activity.verify(input.hostId, signal)),
    },
    fleet: { watch: app.fleet.watch.handler(({ signal }) => fleet.watch(signal)) },
    host: passThroughRouter(core),
  }
}
