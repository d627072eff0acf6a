import type { Clock } from '../../src-shared/lib/clock.ts'
import type { Store } from '../store/store.ts'

export interface RetentionOptions {
  readonly store: Store
  readonly clock: Clock
  /** Ended operations, their journals, idempotency keys, tickets and destroyed environments are kept at least so long. */
  readonly keepMs: number
}

/** Forgets what is older than its keeping; the activity record stays. */
export function forgetOldOperations({ store, clock, keepMs }: RetentionOptions): void {
  const before = clock.now() - keepMs
  store.db.transaction(() => {
    store.operations.prune(before)
    store.scratchGuests.prune(before)
    store.tickets.prune(before)
    store.environments.prune(before)
  })
}
