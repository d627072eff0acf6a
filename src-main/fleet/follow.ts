import type { DaemonEvent } from '../../src-shared/contract/daemon.ts'
import { toPilothouseError } from '../../src-shared/contract/client.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Clock } from '../../src-shared/lib/clock.ts'
import type { Cursor } from '../../src-shared/model/cursor.ts'
import type { ClaimedActor, RequestId } from '../../src-shared/model/ids.ts'
import type { DaemonLink } from './daemon-link.ts'

/** The daemon says something every few seconds; without a word for this long the link is suspect, milliseconds. */
const SILENCE_MS = 15_000
const PROBE_DEADLINE_MS = 5_000
/** Silent periods in which the daemon answers questions but sends no events. */
const SILENCES_MOST = 2

export interface Follower {
  readonly clock: Clock
  readonly context: { readonly requestId: RequestId; readonly claimedActor: ClaimedActor }
  readonly signal: AbortSignal
  /** From where to continue; asked before every subscription. */
  cursor(): Cursor | null
  take(event: DaemonEvent): void
}

const SILENT = Symbol('silent')

/** Asks a suspect link for a sign of life; throws `host_unreachable` when none comes. */
export async function probe(
  link: DaemonLink,
  { context, signal }: Pick<Follower, 'context' | 'signal'>,
): Promise<void> {
  try {
    await link.client.hello({}, { context: { ...context, deadlineMs: PROBE_DEADLINE_MS }, signal })
  } catch (error) {
    throw new PilothouseError('host_unreachable', 'The host stopped answering.', { cause: error })
  }
}

async function nextOf(
  events: AsyncIterator<DaemonEvent>,
  link: DaemonLink,
  follower: Follower,
): Promise<DaemonEvent | null> {
  const next = events.next()
  for (let silences = 0; ; silences++) {
    const waiting = new AbortController()
    const silence = follower.clock.sleep(SILENCE_MS, waiting.signal).then(
      () => SILENT,
      () => SILENT,
    )
    const first = await Promise.race([next, silence]).finally(() => waiting.abort())
    if (first !== SILENT) return (first as IteratorResult<DaemonEvent, undefined>).value ?? null
    if (silences + 1 >= SILENCES_MOST) {
      next.catch(() => undefined)
      throw new PilothouseError('host_unreachable', 'The host answers but reports no events.')
    }
    await probe(link, follower)
  }
}

/** One subscription; false when the daemon wants it begun anew. */
async function subscribe(link: DaemonLink, follower: Follower): Promise<boolean> {
  const since = follower.cursor()
  const { context, signal } = follower
  const events = await link.client.events(since === null ? {} : { since }, { context, signal })
  try {
    for (;;) {
      const event = await nextOf(events, link, follower)
      if (event === null) return true
      follower.take(event)
      if (event.type === 'reset') return false
    }
  } finally {
    events.return(undefined).catch(() => undefined)
  }
}

/**
 * Follows a daemon's events until its link is over; resolves with the reason. A reset reads the whole state again;
 * resuming is not a special case: it is a subscription with a cursor.
 */
export async function follow(link: DaemonLink, follower: Follower): Promise<PilothouseError> {
  const watching = async (): Promise<PilothouseError> => {
    let isOver = false
    while (!isOver) isOver = await subscribe(link, follower)
    return new PilothouseError('host_unreachable', 'The host ended the subscription.')
  }
  try {
    return await Promise.race([link.ended, watching()])
  } catch (error) {
    if (follower.signal.aborted) return new PilothouseError('cancelled', 'The connection was closed.')
    const found = toPilothouseError(error, follower.context.requestId)
    // A cut ends subscriptions a moment before the connection says why.
    const reason = await Promise.race([link.ended, follower.clock.sleep(1_000).then(() => null)])
    return reason ?? found
  }
}
