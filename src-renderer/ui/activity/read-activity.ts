import type { ActivityEntry, ActivityHead } from '../../../src-shared/model/activity.ts'
import type { EnvironmentRef, OperationId, RequestId } from '../../../src-shared/model/ids.ts'
import type { AppClient } from '../../transport.ts'

/** What the host is asked to leave out; absent means everything. */
export interface ActivityFilter {
  readonly environment?: EnvironmentRef
  readonly operation?: OperationId
  readonly request?: RequestId
  readonly user?: string
  readonly action?: string
  readonly outcome?: string
}

export type ListActivity = (
  input: NonNullable<Parameters<AppClient['host']['activity']['list']>[0]>,
) => Promise<{ entries: ActivityEntry[]; head: ActivityHead }>

export const PAGE_ENTRIES = 100
/** New entries are read in pages of so many until the end is reached. */
const NEWS_ENTRIES = 1000

export interface ActivityPage {
  /** Newest first. */
  readonly entries: ActivityEntry[]
  /** Everything up to this sequence number has been read. */
  readonly readTo: number
  readonly hasMore: boolean
}

/** The newest page, or the one before `before`. */
export async function readPage(list: ListActivity, filter: ActivityFilter, before?: number): Promise<ActivityPage> {
  const page = before === undefined ? {} : { before }
  const { entries, head } = await list({ ...filter, ...page, order: 'newest_first', limit: PAGE_ENTRIES })
  return { entries, readTo: head.seq, hasMore: entries.length === PAGE_ENTRIES }
}

/** Everything after `after`, without a hole, however much it is. */
export async function readNews(list: ListActivity, filter: ActivityFilter, after: number): Promise<ActivityPage> {
  const news: ActivityEntry[] = []
  for (let from = after; ;) {
    const { entries, head } = await list({ ...filter, after: from, order: 'oldest_first', limit: NEWS_ENTRIES })
    news.push(...entries)
    if (entries.length < NEWS_ENTRIES) {
      return { entries: news.reverse(), readTo: Math.max(head.seq, news[0]?.seq ?? 0), hasMore: false }
    }
    from = entries.at(-1)?.seq ?? from
  }
}
