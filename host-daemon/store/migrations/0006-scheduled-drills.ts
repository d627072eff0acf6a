import type { Migration } from '../migrate.ts'

/** When the next drill is due is decided once, and outlives the daemon. */
export const scheduledDrills: Migration = {
  version: 6,
  name: 'scheduled drills',
  up: (raw) => {
    raw.exec('ALTER TABLE backup_states ADD COLUMN next_drill_at INTEGER')
  },
}
