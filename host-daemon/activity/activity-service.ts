import type { ActivityEntry, ActivityHead } from '../../src-shared/model/activity.ts'
import type { EnvironmentId, OperationId, RequestId } from '../../src-shared/model/ids.ts'
import type { Store } from '../store/store.ts'

export interface ActivityFilter {
  readonly environmentId?: EnvironmentId | undefined
  readonly operation?: OperationId | undefined
  readonly request?: RequestId | undefined
  readonly user?: string | undefined
  /** The action itself, or the part of it before a dot. */
  readonly action?: string | undefined
  readonly outcome?: string | undefined
  readonly after?: number | undefined
  readonly before?: number | undefined
  readonly order: 'newest_first' | 'oldest_first'
  readonly limit: number
}

/** The record, to be read. */
export class ActivityService {
  private readonly store: Store

  constructor(store: Store) {
    this.store = store
  }

  /** Entries and the end of the chain, of one moment. */
  list(filter: ActivityFilter): { entries: ActivityEntry[]; head: ActivityHead } {
    return { entries: this.store.activity.list().slice(0, filter.limit), head: this.head() }
  }

  head(): ActivityHead {
    return this.store.activity.head()
  }
}
