import type { ConsoleTarget } from '../../../src-shared/contract/console-stream.ts'
import type { MessageChannelLike } from '../../../src-shared/lib/message-channel.ts'
import type { BootId, EnvironmentId } from '../../../src-shared/model/ids.ts'
import { ConsoleSession } from './console-session.ts'

export interface JournalRequest {
  readonly environmentId: EnvironmentId
  readonly bootId: BootId
  /** Where to stop in a boot that is still being written: the end as it was when the reading began. */
  open(target: ConsoleTarget): Promise<MessageChannelLike>
  onProgress(bytes: number): void
  readonly signal: AbortSignal
}

/**
 * One boot's journal, byte for byte, up to where it ended when the reading began. It has a stream of its own, goes
 * on after a cut, and rejects with the signal's reason, or with the failure that makes going on useless.
 */
export async function readJournal(request: JournalRequest): Promise<Blob> {
  const parts: Uint8Array<ArrayBuffer>[] = []
  let end: number | undefined
  return await new Promise<Blob>((resolve, reject) => {
    const finish = (settle: () => void): void => {
      session.dispose()
      settle()
    }
    const session = new ConsoleSession({
      environmentId: request.environmentId,
      open: (target) => request.open(target),
      sink: {
        write: (bytes, done) => {
          parts.push(Uint8Array.from(bytes))
          queueMicrotask(done)
        },
        beginBoot: (boot) => (end = boot.endOffset),
        markGap: () => undefined,
      },
      onChange: ({ link, drawnOffset }) => {
        request.onProgress(drawnOffset)
        if (link.kind === 'closed') finish(() => reject(new Error(link.failure.message)))
        else if (link.kind === 'ended' || (end !== undefined && drawnOffset >= end))
          finish(() => resolve(new Blob(parts)))
      },
    })
    request.signal.addEventListener('abort', () => finish(() => reject(request.signal.reason as Error)), { once: true })
    session.open(request.bootId)
  })
}
