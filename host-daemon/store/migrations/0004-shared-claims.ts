import type { Migration } from '../migrate.ts'

/** Who shares an environment is asked for at every command that displaces, however many claims there have been. */
export const sharedClaims: Migration = {
  version: 4,
  name: 'shared claims',
  up: (raw) => {
    raw.exec("CREATE INDEX claims_shared ON claims (environment_id) WHERE mode = 'shared' AND released_at IS NULL")
  },
}
