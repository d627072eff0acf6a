import type { Migration } from '../migrate.ts'

/**
 * What the command that used a ticket for the host alone was given besides. Of tickets that were used before, nobody
 * knows.
 */
export const cleanUpInputs: Migration = {
  version: 9,
  name: 'clean-up inputs',
  up: (raw) => {
    raw.exec('ALTER TABLE tickets ADD COLUMN input_hash TEXT')
  },
}
