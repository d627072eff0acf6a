import { PilothouseError, type Failure } from '../../src-shared/error.ts'
import type { Clock } from '../../src-shared/lib/clock.ts'
import { DisposableStore } from '../../src-shared/lib/disposable.ts'
import type { OperationProgress } from '../../src-shared/model/operation.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import type { StepEnd } from '../store/steps-table.ts'
import type { Store } from '../store/store.ts'
import type { Logger } from '../system/logger.ts'
import type { ProcessIdentity } from '../system/processes.ts'
import { withDeadline } from '../system/deadline.ts'
import { ProgressMeter } from './progress-meter.ts'
import type { OperationDefinition, Outcome, Step } from './step.ts'

export interface RunDeps {
  readonly store: Store
  readonly clock: Clock
  readonly logger: Logger
  /** Bounds each undo, in milliseconds. */
  readonly undoDeadlineMs: number
  /** How long an aborted step may take to let go before it is left behind. */
  readonly graceMs: number
  /** Aborted when the daemon ends: the operation stays as it is and is taken up again at the next start. */
  readonly suspend: AbortSignal
  /** Told how far the running step is; null when it has ended. */
  readonly onProgress: (progress: OperationProgress | null) => void
}

/** One operation on its way: forward step by step, or back. It writes its journal, never its outcome. */
export class OperationRun {
  private readonly deps: RunDeps
  private readonly definition: OperationDefinition
  private readonly cancellation = new AbortController()
  /** Aborted by a cancel and by the daemon's end. */
  private readonly ending: AbortSignal
  private readonly scope = new DisposableStore()
  private operation: StoredOperation
  private lastEnd: StepEnd | null = null

  constructor(operation: StoredOperation, definition: OperationDefinition, deps: RunDeps) {
    this.operation = operation
    this.definition = definition
    this.deps = deps
    this.ending = AbortSignal.any([deps.suspend, this.cancellation.signal])
    if (operation.isCancelRequested) this.cancel()
  }

  /** A cancel is heeded now, or was. */
  get isHeedingCancel(): boolean {
    return this.stepAt(this.operation.stepIndex).isCancellable
  }

  /** How the last step ended, for the transaction that writes the outcome. */
  get openEnd(): StepEnd | null {
    return this.lastEnd
  }

  /** Safe at any time; heeded where the running step is cancellable, and before the next one. */
  cancel(): void {
    this.cancellation.abort(new PilothouseError('cancelled', 'The operation was cancelled.'))
  }

  /** Answers the outcome, or null when the daemon ends first. Never rejects. */
  async execute(): Promise<Outcome | null> {
    try {
      if (this.operation.direction === 'undo') return await this.rollBack(this.causeOfUndo())
      return await this.goForward(this.operation.stepIndex)
    } catch (error) {
      if (this.deps.suspend.aborted) return null
      this.deps.logger.error({ err: error, operationId: this.operation.id }, 'An operation left its own tracks')
      return { kind: 'failed', failure: this.failureOf(error), isRolledBack: false }
    } finally {
      this.scope.dispose()
    }
  }

  private async goForward(from: number): Promise<Outcome | null> {
    for (let index = from; index < this.definition.steps.length;) {
      const failure = await this.attemptStep(index)
      if (this.deps.suspend.aborted) return null
      if (failure === undefined) index += 1
      else {
        const retryAt = this.retryIndex(failure)
        if (retryAt === undefined) return this.rollBack(failure)
        if (!(await this.undoDownTo(retryAt, failure))) return this.unfinishedRollback(failure)
        index = retryAt
        this.operation = { ...this.operation, attempt: (this.operation.attempt ?? 1) + 1 }
      }
    }
    return { kind: 'succeeded' }
  }

  /** Answers why the step failed; undefined when it is done. */
  private async attemptStep(index: number): Promise<Failure | undefined> {
    const step = this.stepAt(index)
    try {
      await this.begin(index, null)
    } catch (error) {
      // The step before it has ended as it has, whatever keeps this one from beginning.
      return this.failureOf(error)
    }
    try {
      await this.runStep(step)
      this.lastEnd = { endedAt: this.deps.clock.now(), outcome: 'done', detail: null }
      return undefined
    } catch (error) {
      return this.deps.suspend.aborted ? undefined : this.failedStep(step, error)
    }
  }

  /** A step that was to be cancelled was cancelled, in whatever words it gave up. */
  private failedStep(step: Step, error: unknown): Failure {
    const { signal } = this.cancellation
    const failure = this.failureOf(step.isCancellable && signal.aborted ? signal.reason : error)
    this.lastEnd = { endedAt: this.deps.clock.now(), outcome: 'failed', detail: failure.message }
    return failure
  }

  private async runStep(step: Step): Promise<void> {
    const { suspend, clock, graceMs, store, onProgress } = this.deps
    const signal = step.isCancellable ? this.ending : suspend
    const { operation, scope } = this
    const attempt = operation.attempt ?? 1
    const meter = new ProgressMeter(clock, onProgress)
    const report = meter.report.bind(meter)
    const childStarted = (child: ProcessIdentity) => store.children.add(operation.id, child, clock.now())
    const bounds = { clock, graceMs, signal, deadlineMs: step.deadlineMs }
    const onDeadline = () => overdue(step.name, step.deadlineMs)
    const context = { operation, scope, attempt, report, childStarted }
    try {
      await withDeadline((bounded) => step.run({ ...context, signal: bounded }), { ...bounds, onDeadline })
    } finally {
      meter.end()
    }
  }

  private retryIndex(failure: Failure): number | undefined {
    const { retry, steps } = this.definition
    if (retry === null || failure.code === 'cancelled' || this.isBeyondReturn) return undefined
    const index = steps.findIndex(({ name }) => name === retry.from)
    const isBehind = index >= 0 && this.operation.stepIndex >= index
    return isBehind && (this.operation.attempt ?? 1) < retry.maxAttempts ? index : undefined
  }

  private async rollBack(cause: Failure): Promise<Outcome | null> {
    if (this.isBeyondReturn) return { kind: 'failed', failure: asFailed(cause), isRolledBack: false }
    const isRolledBack = await this.undoDownTo(0, cause)
    if (this.deps.suspend.aborted) return null
    if (!isRolledBack) return this.unfinishedRollback(cause)
    return cause.code === 'cancelled' ? { kind: 'cancelled' } : { kind: 'failed', failure: cause, isRolledBack }
  }

  /** Undoes the present step and every one before it, newest first. Stops at the first that cannot be undone. */
  private async undoDownTo(index: number, cause: Failure): Promise<boolean> {
    for (let at = this.operation.stepIndex; at >= index; at -= 1) {
      if (this.deps.suspend.aborted) return false
      if (this.stepAt(at).undo !== undefined && !(await this.undoStep(at, cause))) return false
    }
    return true
  }

  private async undoStep(index: number, cause: Failure): Promise<boolean> {
    const { clock, suspend, graceMs, logger } = this.deps
    const step = this.stepAt(index)
    const undoDeadlineMs = step.undoDeadlineMs ?? this.deps.undoDeadlineMs
    try {
      await this.begin(index, cause)
    } catch (error) {
      // What was started must be ended even while the journal cannot be written.
      logger.error({ err: error, operationId: this.operation.id, step: step.name }, 'The journal could not be written')
    }
    try {
      const undo = (signal: AbortSignal) =>
        step.undo?.({ operation: this.operation, cause, signal, scope: this.scope }) ?? Promise.resolve()
      const onDeadline = () => overdue(`undo ${step.name}`, undoDeadlineMs)
      await withDeadline(undo, { clock, graceMs, signal: suspend, deadlineMs: undoDeadlineMs, onDeadline })
      this.lastEnd = { endedAt: clock.now(), outcome: 'done', detail: null }
      return true
    } catch (error) {
      if (!suspend.aborted)
        logger.error({ err: error, operationId: this.operation.id, step: step.name }, 'An undo failed')
      this.lastEnd = { endedAt: clock.now(), outcome: 'failed', detail: this.failureOf(error).message }
      return false
    }
  }

  private unfinishedRollback(cause: Failure): Outcome | null {
    if (this.deps.suspend.aborted) return null
    const details = { ...cause.details, rollbackFailedAt: this.operation.step, rollbackDetail: this.lastEnd?.detail }
    const message = `${cause.message} It could not be undone at step ${this.operation.step}: ${this.lastEnd?.detail ?? ''}`
    return { kind: 'failed', failure: { ...asFailed(cause), message, details }, isRolledBack: false }
  }

  /**
   * Journal before: where the operation stands, and how the step before ended, in one transaction. Rejects where that
   * cannot be written, and where a cancel came before a step that heeds it.
   */
  private async begin(index: number, undoCause: Failure | null): Promise<void> {
    this.operation = await this.deps.store.db.together(() => this.journalBegin(index, undoCause))
  }

  private journalBegin(index: number, undoCause: Failure | null): StoredOperation {
    const { store, clock } = this.deps
    const { signal } = this.cancellation
    const step = this.stepAt(index)
    if (undoCause === null && step.isCancellable) signal.throwIfAborted()
    const direction = undoCause === null ? 'forward' : 'undo'
    const attempt = this.attemptAt(step)
    const isCancellable = step.isCancellable && undoCause === null
    const progress = { direction, undoCause, step: step.name, stepIndex: index, attempt, isCancellable } as const
    const { id } = this.operation
    store.steps.end(id, this.lastEnd ?? { endedAt: clock.now(), outcome: 'interrupted', detail: null })
    store.steps.begin(id, { direction, step: step.name, stepIndex: index, attempt, startedAt: clock.now() })
    store.operations.setProgress(id, { ...progress, phase: undoCause === null ? step.phase : null })
    const begun = store.operations.find(id) ?? this.operation
    if (undoCause === null) step.enter?.(begun)
    return begun
  }

  private attemptAt(step: Step): number | null {
    const { attempt } = this.operation
    return attempt ?? (this.definition.retry?.from === step.name ? 1 : null)
  }

  private causeOfUndo(): Failure {
    return this.operation.undoCause ?? this.failureOf(new PilothouseError('internal', 'The cause was not recorded.'))
  }

  private failureOf(error: unknown): Failure {
    const { requestId } = this.operation
    return this.definition.describeFailure(error, this.operation).withRequestId(requestId).toFailure()
  }

  /** The step that it stands at has begun, and cannot be taken back. */
  private get isBeyondReturn(): boolean {
    return this.stepAt(this.operation.stepIndex).isForwardOnly === true
  }

  private stepAt(index: number): Step {
    const step = this.definition.steps[index]
    if (step === undefined) throw new Error(`${this.definition.kind} has no step ${index}`)
    return step
  }
}

/** Whoever cancelled is not told that it was, where something of it stays. */
function asFailed(cause: Failure): Failure {
  return cause.code === 'cancelled' ? { ...cause, code: 'engine_failed' } : cause
}

function overdue(step: string, deadlineMs: number | null): PilothouseError {
  const seconds = Math.round((deadlineMs ?? 0) / 1000)
  return new PilothouseError('deadline_exceeded', `The step ${step} did not end within ${seconds} s.`)
}
