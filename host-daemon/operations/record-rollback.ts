import type { Outcome } from './step.ts'

/** What the record calls an outcome: a rollback that failed itself is said aloud. For `OperationDefinition.recordAs`. */
export function recordRollback(outcome: Outcome): string | null {
  const isStuck = outcome.kind === 'failed' && outcome.failure.details?.['rollbackFailedAt'] !== undefined
  return isStuck ? 'rollback_failed' : null
}
