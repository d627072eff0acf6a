import type { Migration } from '../migrate.ts'
import { foundation } from './0001-foundation.ts'

/** Every migration, in order. A released one is never edited; a change is a new number. */
export const MIGRATIONS: readonly Migration[] = [foundation]
