import { PilothouseError, type ErrorCode } from '../../src-shared/error.ts'
import type { DrillCheck, OperationResult } from '../../src-shared/model/operation-result.ts'
import type { FailureReason } from '../../src-shared/model/environment.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { DriverFailure } from '../drivers/vm-driver.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { IncompleteRestore, pointOf } from './fill-home-steps.ts'

export type DrillResult = Extract<OperationResult, { kind: 'drill' }>

/** What says something of the point. Everything else is the host's trouble, and the drill says nothing then. */
const OF_THE_POINT: readonly ErrorCode[] = ['repository_damaged']
const OF_THE_GUEST: readonly FailureReason[] = ['guest_exited', 'agent_timeout', 'service_timeout', 'service_failed']

/** As last recorded; without any check at first. */
export function drillResultOf(recovery: RecoveryToolkit, { id }: Pick<StoredOperation, 'id'>): DrillResult {
  const operation = recovery.store.operations.find(id)
  if (operation === undefined) throw new Error(`Operation ${id} is not in the database`)
  if (operation.result?.kind === 'drill') return operation.result
  const pointId = pointOf(recovery, operation).id
  return { kind: 'drill', pointId, isPassed: false, checks: [], promotedTo: null }
}

export function hasFailedCheck({ checks }: DrillResult): boolean {
  return checks.some(({ isPassed }) => !isPassed)
}

/** Durable when it resolves. A check that is made again takes the place of the earlier one of its name. */
export async function addChecks(
  recovery: RecoveryToolkit,
  operation: StoredOperation,
  added: readonly DrillCheck[],
): Promise<void> {
  const { store } = recovery
  const names = new Set(added.map(({ name }) => name))
  await store.db.together(() => {
    const result = drillResultOf(recovery, operation)
    const checks = [...result.checks.filter(({ name }) => !names.has(name)), ...added]
    store.operations.setResult(operation.id, { ...result, checks })
  })
}

/** Does the work that a check is about, and records how it went. What says nothing of the point is thrown on. */
export async function recordCheck(
  recovery: RecoveryToolkit,
  { operation, name }: { readonly operation: StoredOperation; readonly name: string },
  work: () => Promise<string>,
): Promise<void> {
  const check = await work().then(
    (detail) => ({ name, isPassed: true, detail }),
    (error: unknown) => ({ name, isPassed: false, detail: verdictOf(error) }),
  )
  await addChecks(recovery, operation, [check])
}

/** Throws whatever is no verdict. */
function verdictOf(error: unknown): string {
  if (error instanceof DriverFailure && OF_THE_GUEST.includes(error.reason)) return error.message
  const isOfThePoint = error instanceof PilothouseError && OF_THE_POINT.includes(error.code)
  if (isOfThePoint || error instanceof IncompleteRestore) return error.message
  throw error
}
