import type { HomeId } from '../../src-shared/model/ids.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { environmentOf } from '../environments/environment-of.ts'
import type { Step, UndoContext } from '../operations/step.ts'
import type { KeptHome } from '../store/kept-homes-table.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { record } from './swap-record.ts'
import { keptBefore, swapOf } from './swap-params.ts'

/** Until when the replaced home is kept, for an operation that replaces it at `now`. */
export type UndoUntil = (operation: StoredOperation, now: number) => number

/**
 * Points the environment at its new home, and keeps the old one, in the transaction that journals the step. A home that
 * was kept before is set aside with it, where nobody removes it. The undo puts all of that back as it was.
 */
export function swapHome(recovery: RecoveryToolkit, untilOf: UndoUntil): Step {
  return {
    name: 'swap_home',
    phase: null,
    deadlineMs: recovery.deadlines.homeMs,
    isCancellable: false,
    enter: (operation) => swap(recovery, operation, untilOf),
    run: ({ operation }) => weighOldHome(recovery, operation),
    undo: (context) => swapBack(recovery, context),
  }
}

/** Nothing where a daemon that died had done it: pointer and journal are one transaction. */
function swap(recovery: RecoveryToolkit, operation: StoredOperation, untilOf: UndoUntil): void {
  const { store, clock } = recovery
  const { oldHomeId, newHomeId } = swapOf(operation)
  const { id: environmentId, home } = environmentOf(recovery, operation)
  if (home.id === newHomeId) return
  const [now, kept] = [clock.now(), keptBefore(operation)]
  if (kept !== undefined) setAside(recovery, kept, newHomeId)
  store.environments.setHome(environmentId, newHomeId)
  const until = home.madeAt === null || home.goneAt !== null ? null : untilOf(operation, now)
  const old = { homeId: oldHomeId, environmentId, operationId: operation.id, keptAt: now, bytes: null, isProved: false }
  if (until !== null) store.keptHomes.keep({ ...old, purpose: 'undo', until })
  const detail = { oldHomeId, newHomeId, keptUntil: until, releasedHomeId: kept?.homeId ?? null }
  record(recovery, operation, { outcome: 'swapped_home', detail })
}

/**
 * The kept home of an undo is the one that is swapped in, and is in use from then on. Any other is nobody's to remove
 * until the new home has proved itself, whatever becomes of the operation.
 */
function setAside({ store }: RecoveryToolkit, kept: KeptHome, newHomeId: HomeId): void {
  if (kept.homeId === newHomeId) store.keptHomes.release(kept)
  else store.keptHomes.keep({ ...kept, purpose: 'review' })
}

/** Inside the transaction that journals the last step: the home that was set aside is there to be removed from then on. */
export function leaveForRemoval({ store }: RecoveryToolkit, operation: StoredOperation): void {
  const { keptHomeId } = swapOf(operation)
  const kept = keptHomeId === null ? undefined : store.keptHomes.find(keptHomeId)
  if (kept?.purpose === 'review') store.keptHomes.keep({ ...kept, purpose: 'removal' })
}

/** What keeping the old home costs; not known where it cannot be told now. */
async function weighOldHome(recovery: RecoveryToolkit, operation: StoredOperation): Promise<void> {
  const { store, logger, drivers } = recovery
  const environment = environmentOf(recovery, operation)
  const kept = store.keptHomes.undoOf(environment.id)
  if (kept === undefined || kept.homeId !== swapOf(operation).oldHomeId) return
  try {
    const seen = await drivers.of(environment).inspectHome(kept.homeId)
    if (seen.kind === 'absent') return
    await store.db.together(() => store.keptHomes.setBytes(kept, seen.bytes))
  } catch (error) {
    logger.warn({ err: error, homeId: kept.homeId }, 'How much a kept home takes could not be told')
  }
}

async function swapBack(recovery: RecoveryToolkit, { operation }: UndoContext): Promise<void> {
  const { store } = recovery
  const { oldHomeId, newHomeId } = swapOf(operation)
  await store.db.together(() => {
    const { id: environmentId, home } = environmentOf(recovery, operation)
    if (home.id !== newHomeId) return
    store.environments.setHome(environmentId, oldHomeId)
    store.keptHomes.release({ homeId: oldHomeId, environmentId })
    const kept = keptBefore(operation)
    if (kept !== undefined) store.keptHomes.keep(kept)
    record(recovery, operation, { outcome: 'swapped_back', detail: { oldHomeId, newHomeId } })
  })
}
