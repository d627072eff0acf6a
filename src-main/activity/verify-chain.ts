import { createHash } from 'node:crypto'
import { PilothouseError } from '../../src-shared/error.ts'
import { ChainVerifier, type TrustedHead } from '../../src-shared/lib/activity-chain.ts'
import type { ActivityEntry, ActivityHead, ActivityVerdict } from '../../src-shared/model/activity.ts'
import type { CallContext } from '../../src-shared/contract/client.ts'
import type { DaemonClient } from '../fleet/daemon-link.ts'

const PAGE_ENTRIES = 1_000

export interface ChainPage {
  readonly entries: readonly ActivityEntry[]
  readonly head: ActivityHead
}

/** Entries after `after`, oldest first; from the very beginning without it. */
export type ReadPage = (page: { after?: number; limit: number }) => Promise<ChainPage>

/** Reads pages of a host's record through its client. */
export function pagesOf(
  client: () => DaemonClient,
  options: () => { context: CallContext; signal?: AbortSignal },
): ReadPage {
  return (page) => client().activity.list({ order: 'oldest_first', ...page }, options())
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

/** Null where an entry among them is none: the form of the answer is the contract's, and the protocol is the same. */
async function pageOrNull(read: ReadPage, page: { after?: number; limit: number }): Promise<ChainPage | null> {
  try {
    return await read(page)
  } catch (error) {
    if (error instanceof PilothouseError && error.code === 'protocol_mismatch') return null
    throw error
  }
}

/**
 * Reads a chain to where it ended when the reading began, a page at a time, and holds it against `trusted`, which must
 * have been seen before. Entries that are appended meanwhile are left for the next time. Rejects where a page cannot be
 * read: what was not read is never called broken.
 */
export async function verifyChain(read: ReadPage, trusted: readonly TrustedHead[]): Promise<ActivityVerdict> {
  const verifier = new ChainVerifier(trusted, sha256)
  let goal: ActivityHead | undefined
  let limit = PAGE_ENTRIES
  while (!verifier.isBroken && (goal === undefined || verifier.head.seq < goal.seq)) {
    const { seq } = verifier.head
    const page = await pageOrNull(read, { limit, ...(seq === 0 ? {} : { after: seq }) })
    if (page === null && limit === 1) verifier.take([null])
    // Smaller and smaller, until it is alone: then it is known which entry is none.
    else if (page === null) limit = Math.ceil(limit / 10)
    else {
      const { seq: last } = (goal ??= page.head)
      const entries = page.entries.filter((entry) => entry.seq <= last)
      if (entries.length === 0) break
      verifier.take(entries)
    }
  }
  return verifier.finish(goal ?? verifier.head)
}
