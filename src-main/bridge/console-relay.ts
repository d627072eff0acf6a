import { bridgeConsoleTargetSchema } from '../../src-shared/contract/app.ts'
import type { ConsoleNotice } from '../../src-shared/contract/console-stream.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { MessageChannelLike } from '../../src-shared/lib/message-channel.ts'
import type { RequestId } from '../../src-shared/model/ids.ts'
import type { ConsoleCore } from '../index.ts'
import { failureOf } from './wire-error.ts'

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

/** Messages from one to the other; one that is closed takes no more. */
function pipe(from: MessageChannelLike, to: MessageChannelLike): void {
  from.onMessage((message) => {
    try {
      to.send(message)
    } catch {
      from.close()
    }
  })
  from.onClose((reason) => to.close(reason))
}

/**
 * Joins a viewer's channel to a console on its host, message by message. How much is under way is bounded end to end
 * by the viewer's acknowledgements, so that nothing is kept here. When the host is lost the channel closes with the
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
    pipe(upstream, channel)
    pipe(channel, upstream)
  } catch (error) {
    if (!gone.signal.aborted) refuse(channel, failureOf(error, console.requestId))
  }
}
