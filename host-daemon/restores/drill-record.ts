import { PilothouseError } from '../../src-shared/error.ts'
import type { DrillCheck } from '../../src-shared/model/operation-result.ts'
import { policyOf } from '../backups/policy.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { afterNoVerdict, afterSuccess } from '../backups/schedule.ts'
import type { Outcome } from '../operations/step.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { drillResultOf, type DrillResult } from './drill-checks.ts'
import { pointOf } from './fill-home-steps.ts'

const HOUR_MS = 60 * 60 * 1000

/**
 * Records what the drill has found, of point, environment and operation at once, and once. Throws `drill_failed` where
 * it must.
 */
export async function recordDrill(recovery: RecoveryToolkit, operation: StoredOperation): Promise<void> {
  const { store, clock } = recovery
  const { id: operationId, environmentId, actor, requestId } = operation
  const found = drillResultOf(recovery, operation)
  const failed = found.checks.filter(({ isPassed }) => !isPassed)
  const isPassed = found.checks.length > 0 && failed.length === 0
  const detail = sentenceOf(found.checks, failed)
  const point = pointOf(recovery, operation)
  const about = { action: 'drill', outcome: isPassed ? 'proved' : 'disproved', operationId, environmentId }
  await store.db.together(() => {
    const { action, outcome } = about
    // Cut off right behind it, the step is begun again.
    if (store.activity.list({ operation: operationId, action, outcome }).length > 0) return
    const at = clock.now()
    store.points.setDrilled(point, at, isPassed)
    if (isPassed) store.points.setVerified(point, at)
    store.backupStates.setDrill(environmentId, { at, isPassed, detail })
    store.operations.setResult(operationId, { ...found, isPassed })
    store.activity.append({ ...about, at, actor, requestId, detail: { pointId: point.id, detail } })
  })
  if (!isPassed) throw failureOf({ ...found, isPassed }, detail)
}

/**
 * When the next scheduled one is due: one that told something of the point counts, whoever asked for it; one that was
 * kept from it is made up for soon.
 */
export function settleDrill(recovery: RecoveryToolkit, { environmentId: id }: StoredOperation, outcome: Outcome): void {
  const { store, clock } = recovery
  const { drillIntervalHours } = policyOf(recovery, store.backupStates.of(id))
  if (drillIntervalHours === null) return
  const times = { id, intervalMs: drillIntervalHours * HOUR_MS }
  const isDisproved = outcome.kind === 'failed' && outcome.failure.code === 'drill_failed'
  const hasVerdict = outcome.kind === 'succeeded' || isDisproved
  const at = hasVerdict ? afterSuccess(times, clock.now()) : afterNoVerdict(times, clock.now())
  store.backupStates.setNextDrillAt(id, at)
}

function sentenceOf(checks: readonly DrillCheck[], [first, ...others]: readonly DrillCheck[]): string {
  if (first === undefined) return `All ${checks.length} checks passed.`
  const more = others.length > 0 ? ` ${others.length} more failed.` : ''
  return `The check "${first.name}" failed: ${first.detail}${more}`
}

function failureOf({ pointId, checks }: DrillResult, detail: string): PilothouseError {
  const message = `The recovery point ${pointId.slice(0, 8)} was drilled and is not proved. ${detail}`
  return new PilothouseError('drill_failed', message, { details: { pointId, checks } })
}
