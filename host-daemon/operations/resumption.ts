import { PilothouseError, type Failure } from '../../src-shared/error.ts'
import type { Clock } from '../../src-shared/lib/clock.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import type { Store } from '../store/store.ts'
import type { Logger } from '../system/logger.ts'
import type { OperationDefinition } from './step.ts'

/** A daemon that dies as often as this over one operation does not try it again. */
const MAX_RESUMPTIONS = 3

interface ResumptionDeps {
  readonly store: Store
  readonly clock: Clock
  readonly logger: Logger
  readonly definitions: readonly OperationDefinition[]
}

/** Decides, by its journal, what becomes of an operation that a crash interrupted; activity says which. */
export class Resumption {
  private readonly deps: ResumptionDeps

  constructor(deps: ResumptionDeps) {
    this.deps = deps
  }

  /** Durable before it returns; the operation answered is to be run. */
  takeUp(operation: StoredOperation): StoredOperation {
    const { store, clock, logger } = this.deps
    const { id, step, environmentId, kind } = operation
    const undoCause = this.causeToUndo(operation)
    const verdict = undoCause === null ? 'resumed' : this.isForwardOnly(operation) ? 'given_up' : 'rolling_back'
    store.db.transaction(() => {
      store.operations.countResumption(id)
      if (undoCause !== null) store.operations.setProgress(id, { ...operation, direction: 'undo', undoCause })
      const about = { operationId: id, environmentId, action: kind, detail: { step } }
      for (const outcome of ['interrupted', verdict]) {
        store.activity.append({ ...about, outcome, at: clock.now(), actor: null, requestId: operation.requestId })
      }
    })
    logger.warn({ operationId: id, kind, step, verdict }, 'An interrupted operation is taken up')
    return store.operations.find(id) ?? operation
  }

  private causeToUndo(operation: StoredOperation): Failure | null {
    if (operation.direction === 'undo') return operation.undoCause
    // Where a step cannot be cancelled the operation goes on, and heeds the cancel before the next one that can.
    if (operation.isCancelRequested && this.isCancellable(operation)) {
      return this.describe(new PilothouseError('cancelled', 'The operation was cancelled.'), operation)
    }
    if (operation.resumptions < MAX_RESUMPTIONS) return null
    const message = `The daemon was interrupted ${operation.resumptions + 1} times while it was working on this.`
    const details = { reason: 'interrupted', phase: operation.phase }
    return this.describe(new PilothouseError('engine_failed', message, { details }), operation)
  }

  private describe(error: PilothouseError, operation: StoredOperation): Failure {
    const described = this.definitionOf(operation)?.describeFailure(error, operation) ?? error
    return described.withRequestId(operation.requestId).toFailure()
  }

  private isCancellable(operation: StoredOperation): boolean {
    return this.definitionOf(operation)?.steps[operation.stepIndex]?.isCancellable ?? true
  }

  private isForwardOnly(operation: StoredOperation): boolean {
    return this.definitionOf(operation)?.steps[operation.stepIndex]?.isForwardOnly === true
  }

  private definitionOf({ kind }: StoredOperation): OperationDefinition | undefined {
    return this.deps.definitions.find((candidate) => candidate.kind === kind)
  }
}
