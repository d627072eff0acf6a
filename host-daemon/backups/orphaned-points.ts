import type { OrphanedPoints } from '../../src-shared/model/adopted-points.ts'
import { environmentIdSchema, type EnvironmentId } from '../../src-shared/model/ids.ts'
import { listOrphaned } from '../store/orphaned-points.ts'
import { namesIn } from '../system/folders.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'

export interface Orphaned {
  readonly environments: OrphanedPoints[]
  /** Null where it cannot be told. */
  readonly unrecorded: EnvironmentId[] | null
}

/** Where an environment's repository is does not depend on there being one. */
const ANY = environmentIdSchema.parse('env-00000000')

/** What there is of recovery points without an environment: on record, and below the base where that can be looked at. */
export async function orphanedPoints(recovery: RecoveryToolkit): Promise<Orphaned> {
  return { environments: listOrphaned(recovery.store.db), unrecorded: await unrecorded(recovery) }
}

async function unrecorded({ store, repositories }: RecoveryToolkit): Promise<EnvironmentId[] | null> {
  const { base, isOnThisHost } = repositories
  // One for all has no folder of its own for anybody.
  if (!isOnThisHost || repositories.of(ANY).location === base) return null
  const ids = (await namesIn(base)).map((name) => environmentIdSchema.safeParse(name).data)
  const isUnknown = (id: EnvironmentId): boolean =>
    store.environments.find(id) === undefined &&
    store.points.list({ environmentId: id, isForgottenIncluded: true, limit: 1 }).length === 0
  return ids
    .filter((id) => id !== undefined)
    .filter(isUnknown)
    .toSorted()
}
