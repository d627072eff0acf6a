import type { ActivityEntry, ActivityHead } from '../../src-shared/model/activity.ts'
import type { ActivityQuery } from '../store/activity-query.ts'
import type { Store } from '../store/store.ts'

/** The record, to be read. */
export class ActivityService {
  private readonly store: Store

  constructor(store: Store) {
    this.store = store
  }

  /** Entries and the end of the chain, of one moment: nobody else writes the record, and this waits for nothing. */
  list(query: ActivityQuery & { readonly limit: number }): { entries: ActivityEntry[]; head: ActivityHead } {
    return { entries: this.store.activity.list(query), head: this.head() }
  }

  head(): ActivityHead {
    return this.store.activity.head()
  }
}
