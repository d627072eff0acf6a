import type { HomeId } from '../../src-shared/model/ids.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { environmentOf } from '../environments/environment-of.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { record } from './swap-record.ts'

export interface FreedHome {
  readonly homeId: HomeId
  /** Null where it could not be told. */
  readonly freedBytes: number | null
}

interface Removal {
  readonly homeId: HomeId
  /** Inside the transaction that says that the home is removed. */
  readonly tell?: (freed: FreedHome) => void
}

/**
 * Removes a home that was kept for undo, and frees its space. It is off the record of kept ones in the transaction that
 * says that it is removed: cut off in between it is there to be removed still. Nothing for one that is removed already.
 * A home that is in use again, or that is kept for anything else, is never touched.
 */
export async function removeKeptHome(
  recovery: RecoveryToolkit,
  operation: StoredOperation,
  { homeId, tell }: Removal,
): Promise<void> {
  const { store, clock, drivers } = recovery
  const environment = environmentOf(recovery, operation)
  const kept = store.keptHomes.find(homeId)
  const isToRemove = kept?.environmentId === environment.id && kept.purpose !== 'review'
  if (!isToRemove || environment.home.id === homeId) return
  const driver = drivers.of(environment)
  const seen = await driver.inspectHome(homeId).catch(() => undefined)
  await driver.destroyHome(homeId)
  const freed = { homeId, freedBytes: seen?.kind === 'present' ? seen.bytes : null }
  await store.db.together(() => {
    store.keptHomes.release(kept)
    store.environments.setHomeRemoved(homeId, clock.now())
    record(recovery, operation, { outcome: 'dropped_undo', detail: freed })
    tell?.(freed)
  })
}
