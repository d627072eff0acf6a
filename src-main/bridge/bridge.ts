import { StandardRPCHandler } from '@orpc/server/standard'
import { createServerPeerHandleRequestFn } from '@orpc/server/standard-peer'
import { wireError } from '../../src-shared/contract/wire-error.ts'
import type { MessageChannelLike } from '../../src-shared/lib/message-channel.ts'
import { newRequestId } from '../fleet/daemon-link.ts'
import type { ConsoleCore } from '../index.ts'
import { systemRandom } from '../lib/clock.ts'
import { serveChannel } from '../lib/rpc-channel.ts'
import { appRouter } from './app-router.ts'
import { relayConsole } from './console-relay.ts'
import { contextOf, type BridgeContext } from './context.ts'
import { failureOf } from './wire-error.ts'

/** Serves the app contract and consoles on channels that a shell has accepted and checked. */
export interface Bridge {
  acceptRpc(channel: MessageChannelLike): void
  /** `query` is the channel's address after the `?`: `bridgeConsoleTargetSchema`. */
  acceptConsole(channel: MessageChannelLike, query: string): void
}

export function createBridge(core: ConsoleCore): Bridge {
  const mint = () => newRequestId(systemRandom)
  const handler = new StandardRPCHandler<BridgeContext>(appRouter(core), {
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
  const handle = createServerPeerHandleRequestFn(handler, { context: contextOf({}, mint) })
  return {
    acceptRpc: (channel) => serveChannel(handle, channel),
    acceptConsole: (channel, query) => void relayConsole(core, channel, { query, requestId: mint() }),
  }
}
