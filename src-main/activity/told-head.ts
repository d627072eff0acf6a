import type { ActivityHead } from '../../src-shared/model/activity.ts'
import type { PinnedHead } from '../store/pinned-heads.ts'

/**
 * A head that a host tells, held against the one that it told before; null where it says nothing new. The two must have
 * been told in this order, as on one connection: a chain only grows, so that a smaller one, or another one of the same
 * length, is evidence.
 */
export function judgeToldHead(head: ActivityHead, before: ActivityHead | null, seenAt: number): PinnedHead | null {
  if (before !== null && head.seq === before.seq && head.hash === before.hash) return null
  const shrankFrom = before !== null && head.seq < before.seq ? before.seq : null
  return { head, seenAt, isEvidence: before !== null && head.seq <= before.seq, shrankFrom }
}
