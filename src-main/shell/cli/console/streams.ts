import type { ConsoleTarget } from '../../../../src-shared/contract/console-stream.ts'
import type { Invocation } from '../invocation.ts'
import type { MessageChannelLike } from '../../../../src-shared/lib/message-channel.ts'
import type { DaemonSession } from '../ports.ts'

/** Opens console streams of the target; each time on a new connection, since the last one was cut with its stream. */
export function streamOpener(
  invocation: Invocation,
  signal: AbortSignal,
): (target: ConsoleTarget) => Promise<MessageChannelLike> {
  let session: DaemonSession | undefined
  return async (target) => {
    session?.dispose()
    session = await invocation.connect()
    return session.openConsole(target, signal)
  }
}
