import { RPCHandler } from '@orpc/server/message-port'
import { rpcPortOf, type MessageChannelLike } from '../../src-shared/lib/message-channel.ts'
import { newRequestId } from '../fleet/daemon-link.ts'
import type { ConsoleCore } from '../index.ts'
import { systemRandom } from '../lib/clock.ts'
import { appRouter } from './app-router.ts'
import { relayConsole } from './console-relay.ts'
import { contextOf, type BridgeContext } from './context.ts'
import { failureOf, wireError } from './wire-error.ts'

/** Serves the app contract and consoles on channels that a shell has accepted and checked. */
export interface Bridge {
  acceptRpc(channel: MessageChannelLike): void
  /** `query` is the channel's address after the `?`: `bridgeConsoleTargetSchema`. */
  acceptConsole(channel: MessageChannelLike, query: string): void
}

export function createBridge(core: ConsoleCore): Bridge {
  const mint = () => newRequestId(systemRandom)
  const handler = new RPCHandler<BridgeContext>(appRouter(core), {
    interceptors: [
      async (options) => {
        const context = contextOf(options.request.headers, mint)
        try {
          return await options.next({ ...options, context })
        } catch (error) {
          throw wireError(failureOf(error, context.requestId))
        }
      },
    ],
  })
  return {
    acceptRpc: (channel) => handler.upgrade(rpcPortOf(channel), { context: contextOf({}, mint) }),
    acceptConsole: (channel, query) => void relayConsole(core, channel, { query, requestId: mint() }),
  }
}
