import { setImmediate as nextTurn } from 'node:timers/promises'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Clock, RandomSource } from '../../src-shared/lib/clock.ts'
import type { EnvironmentId, OperationId } from '../../src-shared/model/ids.ts'
import type {
  Operation,
  OperationKind,
  OperationProgress,
  OperationStatus,
  StepEntry,
} from '../../src-shared/model/operation.ts'
import type { Requester } from './requester.ts'
import { toWireOperation, type StoredOperation } from '../store/operation-row.ts'
import type { OperationFilter } from '../store/operations-table.ts'
import type { Store } from '../store/store.ts'
import { withDeadline } from '../system/deadline.ts'
import type { Logger } from '../system/logger.ts'
import { abandonUnreadable } from './abandonment.ts'
import { Acceptance, type AcceptRequest, type Command } from './acceptance.ts'
import { untilLeftChildIsGone } from './left-child.ts'
import { OperationRun } from './operation-run.ts'
import { OutcomeWriter } from './outcome-writer.ts'
import { Resumption } from './resumption.ts'
import type { OperationDefinition } from './step.ts'

export interface EngineDeps {
  readonly store: Store
  readonly clock: Clock
  readonly random: RandomSource
  readonly logger: Logger
  readonly definitions: readonly OperationDefinition[]
  readonly undoDeadlineMs: number
  /** How long steps may take to let go when they are cancelled or the daemon ends. */
  readonly graceMs: number
  /** Told after an operation has ended, with its outcome durable. */
  readonly onEnded: (environmentId: EnvironmentId) => void
  /** Told when an operation's state changed without a commit: its progress, or an outcome that cannot be recorded yet. */
  readonly onUnrecorded: (id: OperationId) => void
}

/** What asks a program to end, waits, and forces it, is done by then. */
const GIVE_WAY_MS = 30_000

interface Running {
  readonly run: OperationRun
  readonly kind: StoredOperation['kind']
  readonly environmentId: EnvironmentId
  readonly ended: Promise<void>
}

/**
 * Durable operations. Accepted in one transaction and answered at once; run by their journal, also across crashes;
 * every one of them ends in exactly one recorded outcome.
 */
export class OperationEngine {
  private readonly deps: EngineDeps
  private readonly acceptance: Acceptance
  private readonly writer: OutcomeWriter
  private readonly suspension = new AbortController()
  private readonly runs = new Map<OperationId, Running>()
  private readonly unrecorded = new Map<OperationId, OperationStatus>()
  private readonly progress = new Map<OperationId, OperationProgress>()
  private readonly waiters = new Map<OperationId, Set<() => void>>()

  constructor(deps: EngineDeps) {
    this.deps = deps
    this.acceptance = new Acceptance({ ...deps, suspend: this.suspension.signal })
    const onUnrecorded = (id: OperationId, status: OperationStatus) => {
      this.unrecorded.set(id, status)
      this.wake(id)
      deps.onUnrecorded(id)
    }
    this.writer = new OutcomeWriter({ ...deps, suspend: this.suspension.signal, onUnrecorded })
  }

  /** Ends what cannot be gone on with, before anyone goes by the claims. */
  abandonUnreadable(): void {
    abandonUnreadable(this.deps)
  }

  /** Goes on with whatever the daemon before left unfinished, and is not abandoned. */
  start(): void {
    this.abandonUnreadable()
    const resumption = new Resumption(this.deps)
    for (const operation of this.deps.store.operations.running()) this.launch(resumption.takeUp(operation))
  }

  /** Leaves running operations where they are, to be taken up at the next start. */
  async stop(): Promise<void> {
    this.suspension.abort(new PilothouseError('cancelled', 'The daemon is ending.'))
    await Promise.all([...this.runs.values()].map(({ ended }) => ended))
  }

  replayOf(command: Command): Operation | undefined {
    const known = this.acceptance.replayOf(command)
    return known === undefined ? undefined : this.view(known)
  }

  /** Durable when it resolves; the work goes on by itself. A retry answers with the same operation. */
  async accept(request: AcceptRequest): Promise<Operation> {
    const { operation, isNew, displaced } = await this.acceptance.accept(request, this.definitionOf(request.kind))
    for (const id of displaced) this.runs.get(id)?.run.cancel()
    if (isNew) this.launch(operation)
    return this.view(operation)
  }

  get(id: OperationId): Operation {
    const operation = this.deps.store.operations.find(id)
    if (operation === undefined) throw new PilothouseError('not_found', `There is no operation ${id}.`)
    return this.view(operation)
  }

  /** The operation's journal, in the order in which its steps began. */
  steps(id: OperationId): StepEntry[] {
    return this.deps.store.steps.list(this.get(id).id)
  }

  list(filter: OperationFilter): Operation[] {
    return this.deps.store.operations.list(filter).map((operation) => this.view(operation))
  }

  /** The operation when it has ended, or as it is after `timeoutMs`. Rejects when `signal` is aborted. */
  async wait(id: OperationId, timeoutMs: number, signal: AbortSignal): Promise<Operation> {
    const isTimeUp = new Error('time is up')
    const work = (bounded: AbortSignal) => this.untilEnded(id, bounded)
    try {
      const deadline = { clock: this.deps.clock, signal, deadlineMs: timeoutMs, onDeadline: () => isTimeUp }
      await withDeadline(work, deadline)
    } catch (error) {
      if (error !== isTimeUp) throw error
    }
    return this.get(id)
  }

  /** Heeded where it is safe; elsewhere the operation goes on, and the answer shows it. */
  cancel(id: OperationId, caller: Requester): Operation {
    const { store, clock } = this.deps
    const operation = this.get(id)
    if (!operation.isCancellable) return operation
    store.db.transaction(() => {
      store.operations.requestCancel(id, clock.now())
      const { actor, requestId } = caller
      const about = { actor, requestId, operationId: id, environmentId: operation.environmentId }
      store.activity.append({ ...about, at: clock.now(), action: 'cancel', outcome: 'accepted', detail: {} })
    })
    this.runs.get(id)?.run.cancel()
    return this.get(id)
  }

  private launch(operation: StoredOperation): void {
    const definition = this.definitionOf(operation.kind)
    const onProgress = (progress: OperationProgress | null) => this.setProgress(operation.id, progress)
    const run = new OperationRun(operation, definition, { ...this.deps, suspend: this.suspension.signal, onProgress })
    const { kind, environmentId } = operation
    const givingWay = this.givingWayTo(operation)
    this.runs.set(operation.id, { run, kind, environmentId, ended: this.runToEnd(run, operation, givingWay) })
  }

  /**
   * Whoever shares the environment with an operation that displaces, has been cancelled, and is waited for: who works on
   * its home for as long as that takes, anybody else for half a minute at least.
   */
  private givingWayTo({ kind, environmentId }: StoredOperation): Promise<void>[] {
    const { claim } = this.definitionOf(kind)
    if (claim.mode === 'shared' || !claim.isDisplacing) return []
    const others = [...this.runs.values()].filter((other) => other.environmentId === environmentId)
    return others.map((other) => {
      const isAtHome = this.definitionOf(other.kind).claim.resource !== 'repository'
      return isAtHome ? other.ended : this.endedOrLate(other)
    })
  }

  /** A step that heeds no cancel is bringing something to its end, and is bounded by its own deadline. */
  private async endedOrLate({ run, ended }: Running): Promise<void> {
    const over = new AbortController()
    const late = this.deps.clock.sleep(GIVE_WAY_MS, over.signal).catch(() => undefined)
    await Promise.race([ended, late])
    over.abort(new Error('The wait is over.'))
    if (run.isHeedingCancel) return
    await ended
  }

  private async runToEnd(run: OperationRun, operation: StoredOperation, givingWay: Promise<void>[]): Promise<void> {
    const { id, environmentId } = operation
    // The caller is answered first: acceptance costs one durable write, the first step's journal comes after it.
    await nextTurn()
    await Promise.all(givingWay)
    if (operation.resumptions > 0) await this.untilChildrenAreGone(id)
    // Nothing is begun once the daemon ends: a child may still be there, and the next start waits for it again.
    const outcome = this.suspension.signal.aborted ? null : await run.execute()
    const definition = this.definitionOf(operation.kind)
    if (outcome !== null) await this.writer.write({ id, definition, outcome, stepEnd: run.openEnd })
    this.runs.delete(id)
    this.unrecorded.delete(id)
    this.progress.delete(id)
    if (outcome === null) return
    this.wake(id)
    this.deps.onEnded(environmentId)
  }

  /** Whatever a killed daemon's children wrote is not touched before they are positively gone. */
  private async untilChildrenAreGone(id: OperationId): Promise<void> {
    const { store, clock, logger } = this.deps
    const options = { operationId: id, clock, logger, signal: this.suspension.signal }
    for (const child of store.children.of(id)) await untilLeftChildIsGone(child, options)
  }

  private setProgress(id: OperationId, progress: OperationProgress | null): void {
    if (progress === null && !this.progress.has(id)) return
    if (progress === null) this.progress.delete(id)
    else this.progress.set(id, progress)
    this.deps.onUnrecorded(id)
  }

  private async untilEnded(id: OperationId, signal: AbortSignal): Promise<void> {
    while (this.get(id).status.kind === 'running') {
      signal.throwIfAborted()
      await this.ending(id, signal)
    }
  }

  /** Resolves when the operation may have ended. */
  private ending(id: OperationId, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const waiting = this.waiters.get(id) ?? new Set()
      this.waiters.set(id, waiting)
      const leave = () => {
        waiting.delete(arrive)
        if (waiting.size === 0) this.waiters.delete(id)
      }
      const give = () => {
        leave()
        reject(signal.reason as Error)
      }
      const arrive = () => {
        leave()
        signal.removeEventListener('abort', give)
        resolve()
      }
      waiting.add(arrive)
      signal.addEventListener('abort', give, { once: true })
    })
  }

  private wake(id: OperationId): void {
    for (const arrive of [...(this.waiters.get(id) ?? [])]) arrive()
  }

  private view(stored: StoredOperation): Operation {
    const operation = toWireOperation(stored)
    if (stored.status.kind !== 'running') return operation
    const [status, progress] = [this.unrecorded.get(stored.id), this.progress.get(stored.id) ?? null]
    return status === undefined ? { ...operation, progress } : { ...operation, status, isCancellable: false }
  }

  private definitionOf(kind: OperationKind): OperationDefinition {
    const definition = this.deps.definitions.find((candidate) => candidate.kind === kind)
    if (definition === undefined) throw new Error(`No definition of the operation ${kind}`)
    return definition
  }
}
