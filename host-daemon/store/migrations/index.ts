import type { Migration } from '../migrate.ts'
import { foundation } from './0001-foundation.ts'
import { lifecycle } from './0002-lifecycle.ts'
import { activityChain } from './0003-activity-chain.ts'
import { sharedClaims } from './0004-shared-claims.ts'
import { recovery } from './0005-recovery.ts'
import { scheduledDrills } from './0006-scheduled-drills.ts'
import { homesToRemove } from './0007-homes-to-remove.ts'
import { provedHomes } from './0008-proved-homes.ts'
import { cleanUpInputs } from './0009-clean-up-inputs.ts'

/** Every migration, in order. A released one is never edited; a change is a new number. */
export const MIGRATIONS: readonly Migration[] = [
  foundation,
  lifecycle,
  activityChain,
  sharedClaims,
  recovery,
  scheduledDrills,
  homesToRemove,
  provedHomes,
  cleanUpInputs,
]
