import { PilothouseError } from '../../src-shared/error.ts'
import { backoffMs } from '../../src-shared/lib/backoff.ts'
import type { Clock, RandomSource } from '../../src-shared/lib/clock.ts'
import type { OperationId } from '../../src-shared/model/ids.ts'
import type { OperationStatus } from '../../src-shared/model/operation.ts'
import type { NewActivity } from '../store/activity-table.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import type { StepEnd } from '../store/steps-table.ts'
import type { Store } from '../store/store.ts'
import type { Logger } from '../system/logger.ts'
import type { OperationDefinition, Outcome } from './step.ts'

type EndStatus = Exclude<OperationStatus, { kind: 'running' }>

export interface OutcomeWriterDeps {
  readonly store: Store
  readonly clock: Clock
  readonly random: RandomSource
  readonly logger: Logger
  readonly suspend: AbortSignal
  /** Told when an outcome is known but not yet durable, so that nobody is shown "running" meanwhile. */
  readonly onUnrecorded: (id: OperationId, status: EndStatus) => void
}

export interface Ending {
  readonly id: OperationId
  readonly definition: OperationDefinition
  readonly outcome: Outcome
  readonly stepEnd: StepEnd | null
}

const RETRY = { firstMs: 200, capMs: 5_000 }

/** Writes outcomes, in one checked transaction each: state, claim, environment, activity. */
export class OutcomeWriter {
  private readonly deps: OutcomeWriterDeps

  constructor(deps: OutcomeWriterDeps) {
    this.deps = deps
  }

  /**
   * Tries until the outcome is durable or the daemon ends; in the latter case the next start finds the operation
   * unfinished and goes on by its journal.
   */
  async write(ending: Ending): Promise<void> {
    for (let attempt = 1; !this.deps.suspend.aborted; attempt += 1) {
      try {
        await this.record(ending)
        return
      } catch (error) {
        this.report(ending, { error, attempt })
        await this.pause(attempt)
      }
    }
  }

  private record({ id, definition, outcome, stepEnd }: Ending): Promise<void> {
    const { store, clock } = this.deps
    return store.db.together(() => {
      const operation = store.operations.find(id)
      if (operation === undefined) throw new Error(`Operation ${id} is not in the database`)
      if (stepEnd !== null) store.steps.end(id, stepEnd)
      definition.settle(operation, outcome)
      store.operations.finish(id, statusOf(outcome, clock.now()))
      store.claims.release(id, clock.now())
      if (isUndone(operation, outcome)) this.append(operation, { outcome: 'rolled_back', detail: causeOf(operation) })
      const word = definition.recordAs?.(outcome) ?? activityOutcome(outcome)
      this.append(operation, { outcome: word, detail: detailOf(outcome) })
    })
  }

  private append(operation: StoredOperation, said: Pick<NewActivity, 'outcome' | 'detail'>): void {
    const { id: operationId, actor, requestId, environmentId, kind: action } = operation
    const { store, clock } = this.deps
    store.activity.append({ at: clock.now(), actor, requestId, operationId, environmentId, action, ...said })
  }

  private report({ id, outcome }: Ending, { error, attempt }: { error: unknown; attempt: number }): void {
    const { logger, clock, onUnrecorded } = this.deps
    logger.error({ err: error, operationId: id, attempt, outcome: outcome.kind }, 'An outcome could not be recorded')
    const message = `The operation ended (${outcome.kind}), but the daemon could not record it; it keeps trying.`
    const failure = new PilothouseError('internal', message).toFailure()
    onUnrecorded(id, { kind: 'failed', endedAt: clock.now(), failure })
  }

  private async pause(attempt: number): Promise<void> {
    const { clock, random, suspend } = this.deps
    await clock.sleep(backoffMs(attempt, random.fraction(), RETRY), suspend).catch(() => undefined)
  }
}

function statusOf(outcome: Outcome, endedAt: number): EndStatus {
  return outcome.kind === 'failed'
    ? { kind: 'failed', endedAt, failure: outcome.failure }
    : { kind: outcome.kind, endedAt }
}

/** Everything that it had done was undone. */
function isUndone({ direction }: StoredOperation, outcome: Outcome): boolean {
  return direction === 'undo' && (outcome.kind === 'cancelled' || (outcome.kind === 'failed' && outcome.isRolledBack))
}

function causeOf({ undoCause }: StoredOperation): Record<string, unknown> {
  return undoCause === null ? {} : { code: undoCause.code, message: undoCause.message }
}

function detailOf(outcome: Outcome): Record<string, unknown> {
  return outcome.kind === 'failed' ? { code: outcome.failure.code, message: outcome.failure.message } : {}
}

function activityOutcome(outcome: Outcome): string {
  return outcome.kind === 'failed' && !outcome.isRolledBack ? 'failed_and_not_rolled_back' : outcome.kind
}
