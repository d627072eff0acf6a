import { PilothouseError } from '../../src-shared/error.ts'
import type { Clock } from '../../src-shared/lib/clock.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import type { UnreadableOperation } from '../store/operations-table.ts'
import type { Store } from '../store/store.ts'
import type { Logger } from '../system/logger.ts'
import type { OperationDefinition } from './step.ts'

interface AbandonmentDeps {
  readonly store: Store
  readonly clock: Clock
  readonly logger: Logger
  readonly definitions: readonly OperationDefinition[]
}

/**
 * Ends every running operation that nobody can go on with: its row is malformed, or its journal is of other steps than
 * this daemon knows. Nothing of it is undone: its claim is released, its homes stay, and activity says so. What the
 * environment is then is for the reconciler to find out. Claims of operations that do not run are released too.
 */
export function abandonUnreadable(deps: AbandonmentDeps): void {
  const { operations } = deps.store
  for (const operation of operations.unreadable()) abandon(deps, operation, 'Its row is malformed.')
  for (const operation of operations.running()) {
    const problem = problemOf(operation, deps.definitions)
    if (problem !== null) abandon(deps, operation, problem)
  }
  releaseStale(deps)
}

const STALE = 'An operation that does not run held the environment; its claim was released.'

/** Claims that nobody would ever release: their environments could not even be destroyed. */
function releaseStale({ store, clock, logger }: AbandonmentDeps): void {
  const at = clock.now()
  store.db.transaction(() => {
    for (const environmentId of store.claims.releaseStale(at)) {
      const about = { action: 'operation', outcome: 'abandoned', detail: { problem: STALE } }
      store.activity.append({ ...about, at, actor: null, requestId: null, operationId: null, environmentId })
      logger.error({ environmentId }, STALE)
    }
  })
}

function problemOf(operation: StoredOperation, definitions: readonly OperationDefinition[]): string | null {
  const { kind, step, stepIndex, params } = operation
  const definition = definitions.find((candidate) => candidate.kind === kind)
  if (definition === undefined) return `This daemon knows no operation ${kind}.`
  if (definition.steps[stepIndex]?.name !== step) return `Step ${stepIndex} of ${kind} is not the one in its journal.`
  return definition.params?.safeParse(params).success === false ? 'What its steps need was not recorded.' : null
}

function abandon(
  { store, clock, logger }: AbandonmentDeps,
  { id, environmentId }: UnreadableOperation,
  problem: string,
): void {
  const at = clock.now()
  const message = `The daemon could not go on with this operation, and left everything as it was. ${problem}`
  store.db.transaction(() => {
    store.steps.end(id, { endedAt: at, outcome: 'interrupted', detail: null })
    store.operations.finish(id, { kind: 'failed', endedAt: at, failure: failureOf(message) })
    store.claims.release(id, at)
    const about = { action: 'operation', outcome: 'abandoned', detail: { problem } }
    store.activity.append({ ...about, at, actor: null, requestId: null, operationId: id, environmentId })
  })
  logger.error({ operationId: id, environmentId, problem }, 'An operation was abandoned')
}

function failureOf(message: string) {
  return new PilothouseError('internal', message).toFailure()
}
