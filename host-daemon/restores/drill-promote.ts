import type { EnvironmentName, OwnerName } from '../../src-shared/model/ids.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { environmentOf } from '../environments/environment-of.ts'
import type { InsertLimits } from '../store/environments-table.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { removeJournal } from '../system/journal-files.ts'
import { drillResultOf } from './drill-checks.ts'
import { insertEnvironment } from './new-environment.ts'
import { endScratchGuest, scratchOf } from './scratch-steps.ts'

/** What the proven home is to be kept as. */
export interface Promotion {
  readonly name: EnvironmentName
  readonly owner: OwnerName
}

export function promotionOf({ params }: StoredOperation): Promotion | null {
  const { promoteName: name, promoteOwner: owner } = params
  if (typeof name !== 'string' || typeof owner !== 'string') return null
  return { name: name as EnvironmentName, owner: owner as OwnerName }
}

/**
 * Ends the scratch guest and makes its home that of a new, stopped environment, in one transaction with the end of the
 * scratch. Idempotent. Throws what an insert is refused with; the home is as before then.
 */
export async function promote(
  recovery: RecoveryToolkit,
  limits: InsertLimits,
  { operation, promotion }: { readonly operation: StoredOperation; readonly promotion: Promotion },
): Promise<void> {
  const { store, deadlines } = recovery
  if (store.scratchGuests.of(operation.id) === undefined) return
  const { driver, record } = scratchOf(recovery, operation)
  await endScratchGuest(recovery, { driver, record, graceMs: deadlines.stopGraceMs })
  await removeJournal(record.journalPath)
  await store.db.together(() => keep(recovery, limits, { operation, promotion }))
}

function keep(
  recovery: RecoveryToolkit,
  limits: InsertLimits,
  { operation, promotion }: { readonly operation: StoredOperation; readonly promotion: Promotion },
): void {
  const { store, clock } = recovery
  const now = clock.now()
  const { id: operationId, actor, requestId } = operation
  const source = environmentOf(recovery, operation)
  const { driver, homeId, sizeMiB } = scratchOf(recovery, operation)
  const told = { labels: source.labels, startup: store.environments.startupOf(source.id) }
  const size = { ...source.size, homeMiB: sizeMiB }
  const about = { ...promotion, ...told, image: source.image, driver: driver.kind, size, homeId, now }
  const observed = { kind: 'stopped', since: now } as const
  // Before the insert: the guest that has just ended would be counted beside the environment that it becomes.
  store.scratchGuests.setRemoved(operationId, now)
  const { id } = insertEnvironment(recovery, limits, { ...about, observed })
  store.environments.setDesired(id, 'stopped')
  store.environments.setHomeMade(homeId, now)
  const result = drillResultOf(recovery, operation)
  store.operations.setResult(operationId, { ...result, promotedTo: id })
  const detail = { name: promotion.name, owner: promotion.owner, sourceId: source.id, pointId: result.pointId }
  const said = { action: 'drill', outcome: 'promoted', environmentId: id, operationId, detail }
  store.activity.append({ ...said, at: now, actor, requestId })
}
