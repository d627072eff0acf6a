import type { StoredEnvironment } from '../store/environment-row.ts'

/** What a plan that removes a home says of the recovery points of it. */
export interface HomeProtection {
  /**
   * What the newest recovery point is and how old, or that there is none and everything is lost, as sentences; from the
   * daemon's own record. Never throws: what cannot be read is said to be so.
   */
  tellOf(environment: StoredEnvironment): string
}
