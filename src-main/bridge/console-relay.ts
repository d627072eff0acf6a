import { bridgeConsoleTargetSchema } from '../../src-shared/contract/app.ts'
import { CONSOLE_WINDOW_BYTES, type ConsoleNotice } from '../../src-shared/contract/console-stream.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { MessageChannelLike } from '../../src-shared/lib/message-channel.ts'
import type { RequestId } from '../../src-shared/model/ids.ts'
import type { ConsoleCore } from '../index.ts'
import { ConsoleAccount } from './console-account.ts'
import { failureOf } from './wire-error.ts'

/** What a host may have sent ahead of its viewer, notices included. */
const HELD_BYTES_MOST = 2 * CONSOLE_WINDOW_BYTES

function parseQuery(query: string) {
  const target = bridgeConsoleTargetSchema.safeParse(Object.fromEntries(new URLSearchParams(query)))
  if (target.success) return target.data
  const [issue] = target.error.issues
  throw new PilothouseError(
    'invalid_request',
    `The console's address is not valid. ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`,
  )
}

function refuse(channel: MessageChannelLike, error: PilothouseError): void {
  const notice: ConsoleNotice = { type: 'error', ...error.toFailure() }
  try {
    channel.send(JSON.stringify(notice))
  } catch {
    // The viewer has gone already.
  }
  channel.close(error.message)
}

/** A message from one to the other; one that is closed takes no more. */
function forward(message: string | Uint8Array, from: MessageChannelLike, to: MessageChannelLike): void {
  try {
    to.send(message)
  } catch {
    from.close()
  }
}

/** The host's bytes to the viewer, no more of them than the viewer may have asked for. */
function pipeBounded(upstream: MessageChannelLike, channel: MessageChannelLike): void {
  const account = new ConsoleAccount()
  upstream.onMessage((message) => {
    account.sent(message)
    if (account.heldBytes > HELD_BYTES_MOST) {
      refuse(
        channel,
        new PilothouseError('protocol_mismatch', 'The host sends more of the console than was asked for.'),
      )
      return
    }
    forward(message, upstream, channel)
  })
  channel.onMessage((message) => {
    if (typeof message === 'string') account.asked(message)
    forward(message, channel, upstream)
  })
  upstream.onClose((reason) => channel.close(reason))
  channel.onClose((reason) => upstream.close(reason))
}

/**
 * Joins a viewer's channel to a console on its host, message by message. How much is under way is bounded end to end
 * by the viewer's acknowledgements, so that nothing is kept here; a host that does not keep to it is cut off. When the host is lost the channel closes with the
 * reason; the viewer opens it anew with the next offset that it needs.
 */
export async function relayConsole(
  core: ConsoleCore,
  channel: MessageChannelLike,
  console: { query: string; requestId: RequestId },
): Promise<void> {
  const gone = new AbortController()
  channel.onClose(() => gone.abort())
  try {
    const { host, ...target } = parseQuery(console.query)
    const upstream = await core.fleet.session(host).openConsole(target, gone.signal)
    pipeBounded(upstream, channel)
  } catch (error) {
    if (!gone.signal.aborted) refuse(channel, failureOf(error, console.requestId))
  }
}
