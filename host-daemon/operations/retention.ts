import type { Store } from '../store/store.ts'
import type { ClockLeaps } from '../system/clock-leaps.ts'

export interface RetentionOptions {
  readonly store: Store
  /** Of this retention alone: they are looked for each time. */
  readonly leaps: ClockLeaps
  /** Ended operations, their journals, idempotency keys, tickets and destroyed environments are kept at least so long. */
  readonly keepMs: number
}

/**
 * Forgets what is older than its keeping; the activity record stays. What is so only by a clock that may have been set
 * forward is not: the first time nothing is, and nothing until time to set the clock right has passed.
 */
export function forgetOldOperations({ store, leaps, keepMs }: RetentionOptions): void {
  leaps.look()
  const before = leaps.passedAt() - keepMs
  if (before === -Infinity) return
  store.db.transaction(() => {
    store.operations.prune(before)
    store.scratchGuests.prune(before)
    store.tickets.prune(before)
    store.environments.prune(before)
  })
}
