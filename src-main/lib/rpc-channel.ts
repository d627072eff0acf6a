import { StandardRPCLink, type StandardLinkClient } from '@orpc/client/standard'
import type { AnyContractRouter, ContractRouterClient } from '@orpc/contract'
import {
  decodeResponseMessage,
  encodeRequestMessage,
  experimental_ClientPeerWithoutCodec as ClientPeerWithoutCodec,
  ServerPeer,
  type ServerPeerHandleRequestFn,
} from '@orpc/standard-server-peer'
import { createContractClient, linkOptionsFor, type CallContext } from '../../src-shared/contract/client.ts'
import type { MessageChannelLike } from '../../src-shared/lib/message-channel.ts'

/**
 * oRPC over message channels. Its own adapters lose promises: a message that is none of the protocol's, or an abort
 * after the close, ends in a rejection that nobody can catch and that ends the process. Here neither does.
 */

function ignore(): undefined {
  return undefined
}

type PeerMessage = string | ArrayBufferLike | Uint8Array

/** What is sent to a channel that has closed is dropped; the close has ended every call already. */
function sendOver(channel: MessageChannelLike, message: PeerMessage): void {
  try {
    channel.send(typeof message === 'string' || message instanceof Uint8Array ? message : new Uint8Array(message))
  } catch {
    // Closed.
  }
}

const ANSWERED = new Error('The call was answered.')

/**
 * The library ends an answered call as it ends an aborted one, and makes three errors with their stacks for nobody to
 * see; that takes a good part of the time of a small call. Here there is one that says so.
 */
class QuietClientPeer extends ClientPeerWithoutCodec {
  override close(options: Parameters<ClientPeerWithoutCodec['close']>[0] = {}): void {
    super.close(options.id === undefined ? options : { reason: ANSWERED, ...options })
  }
}

function linkClientOver(channel: MessageChannelLike): StandardLinkClient<CallContext> {
  const peer = new QuietClientPeer(async ([id, type, payload]) => {
    sendOver(channel, await encodeRequestMessage(id, type, payload))
  })
  const receive = async (message: string | Uint8Array): Promise<void> =>
    peer.message(await decodeResponseMessage(message))
  let isClosed = false
  channel.onMessage((message) => void receive(message).catch(ignore))
  channel.onClose(() => {
    isClosed = true
    peer.close()
  })
  return {
    call: async (request) => {
      if (isClosed) throw new Error('The channel is closed.')
      const response = await peer.request(request)
      return { ...response, body: () => Promise.resolve(response.body) }
    },
  }
}

/** The typed client of a contract over an open channel. Calls after its close fail at once with `host_unreachable`. */
export function channelClient<C extends AnyContractRouter>(
  contract: C,
  channel: MessageChannelLike,
): ContractRouterClient<C, CallContext> {
  const link = new StandardRPCLink(linkClientOver(channel), { url: 'http://orpc', ...linkOptionsFor(contract) })
  return createContractClient(contract, link)
}

/** Answers calls that come over a channel until it closes, which aborts those under way. */
export function serveChannel(handle: ServerPeerHandleRequestFn, channel: MessageChannelLike): void {
  const peer = new ServerPeer((message) => sendOver(channel, message))
  channel.onMessage((message) => void peer.message(message, handle).catch(ignore))
  channel.onClose(() => peer.close())
}
