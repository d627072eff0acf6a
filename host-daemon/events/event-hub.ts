import type { DaemonEvent } from '../../src-shared/contract/daemon.ts'
import type { Clock } from '../../src-shared/lib/clock.ts'
import type { Disposable } from '../../src-shared/lib/disposable.ts'
import type { ActivityHead } from '../../src-shared/model/activity.ts'
import type { BackupStatus } from '../../src-shared/model/backup.ts'
import type { Cursor } from '../../src-shared/model/cursor.ts'
import type { Environment } from '../../src-shared/model/environment.ts'
import type { EnvironmentId, OperationId } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { CommittedChange, Database } from '../store/database.ts'
import type { Logger } from '../system/logger.ts'
import { endable } from './endable.ts'
import { EventRing } from './event-ring.ts'

/** The state as it is now, read without waiting. */
export interface StateReader {
  /** Undefined once it is destroyed. */
  environment(id: EnvironmentId): Environment | undefined
  operation(id: OperationId): Operation
  environments(): Environment[]
  /** Those running, and the newest ended ones. */
  operations(): Operation[]
  /** Undefined once its environment is destroyed. */
  backup(id: EnvironmentId): BackupStatus | undefined
  backups(): BackupStatus[]
  activityHead(): ActivityHead
  /** When all of it was last confirmed, on the host's clock. */
  confirmedAt(): number
}

export interface EventHubDeps {
  readonly db: Database
  readonly clock: Clock
  readonly logger: Logger
  readonly state: StateReader
  /** New at each start of the daemon. */
  readonly epoch: string
  readonly heartbeatMs: number
  /** Events that a resuming or slow subscriber can still be given; one further behind is told `reset`. */
  readonly ringSize: number
}

type Change = DaemonEvent extends infer E ? (E extends DaemonEvent ? Omit<E, 'cursor'> : never) : never

/**
 * Numbers every committed change. A subscriber reads from the shared ring at its own pace, so that a slow one costs
 * no memory: it is told `reset` once it is too far behind.
 */
export class EventHub implements Disposable {
  private readonly deps: EventHubDeps
  private readonly ring: EventRing
  private readonly sleepers = new Set<() => void>()
  private readonly subscription: Disposable
  private readonly ending = new AbortController()
  private seq = 0

  constructor(deps: EventHubDeps) {
    this.deps = deps
    this.ring = new EventRing(deps.ringSize)
    this.subscription = deps.db.onCommitted((change) => this.publishCommitted(change))
  }

  get cursor(): Cursor {
    return { epoch: this.deps.epoch, seq: this.seq }
  }

  /** For a state that changed without a commit. */
  publishOperation(id: OperationId): void {
    this.publish(() => ({ type: 'operation_changed', operation: this.deps.state.operation(id) }))
  }

  /**
   * Without `since` the snapshot, then every change; with it only the changes after it, or `reset` where they cannot
   * all be given. Ends after `reset`, when `signal` is aborted, and when the daemon ends.
   */
  subscribe(since: Cursor | undefined, signal?: AbortSignal): AsyncGenerator<DaemonEvent, void> {
    const signals = signal === undefined ? [this.ending.signal] : [this.ending.signal, signal]
    return endable((ended) => this.follow(since, ended), signals)
  }

  /** Ends every subscription. */
  dispose(): void {
    this.subscription.dispose()
    this.ending.abort()
  }

  private publishCommitted(change: CommittedChange): void {
    for (const { kind, id } of change) {
      if (kind === 'operation') this.publishOperation(id as OperationId)
      else if (kind === 'environment') this.publishEnvironment(id as EnvironmentId)
      else if (kind === 'backup') this.publishBackup(id as EnvironmentId)
    }
  }

  private publishEnvironment(id: EnvironmentId): void {
    this.publish(() => {
      const environment = this.deps.state.environment(id)
      if (environment === undefined) return { type: 'environment_removed', environmentId: id }
      return { type: 'environment_changed', environment }
    })
  }

  /** Of a destroyed environment nothing more is told: `environment_removed` said it all. */
  private publishBackup(id: EnvironmentId): void {
    const backup = this.deps.state.backup(id)
    if (backup !== undefined) this.publish(() => ({ type: 'backup_changed', backup }))
  }

  /** A change that cannot be read leaves a hole in the ring: who comes to it is told `reset`, never nothing. */
  private publish(read: () => Change): void {
    this.seq += 1
    try {
      this.ring.add({ ...read(), cursor: this.cursor })
    } catch (error) {
      this.deps.logger.error({ err: error, seq: this.seq }, 'A change could not be read for its event')
    }
    for (const wake of [...this.sleepers]) wake()
  }

  private async *follow(since: Cursor | undefined, signal: AbortSignal): AsyncGenerator<DaemonEvent, void> {
    let next = (since?.seq ?? this.seq) + 1
    if (since === undefined) yield this.snapshot()
    else if (since.epoch !== this.deps.epoch || since.seq > this.seq) {
      yield this.reset()
      return
    }
    const { clock, heartbeatMs } = this.deps
    // In real time: subscribers would take the silence of a clock that was set back for a lost link.
    let beatAt = clock.monotonicMs() + heartbeatMs
    while (!signal.aborted) {
      if (next <= this.seq) {
        const event = this.ring.at(next)
        yield event ?? this.reset()
        if (event === undefined) return
        next += 1
      } else if (clock.monotonicMs() >= beatAt) {
        const { state } = this.deps
        yield { type: 'confirmed', cursor: this.cursor, now: state.confirmedAt(), activityHead: state.activityHead() }
        beatAt = clock.monotonicMs() + heartbeatMs
      } else await this.change(beatAt - clock.monotonicMs(), signal)
    }
  }

  private snapshot(): DaemonEvent {
    const { state } = this.deps
    return {
      type: 'snapshot',
      cursor: this.cursor,
      environments: state.environments(),
      operations: state.operations(),
      backups: state.backups(),
      activityHead: state.activityHead(),
    }
  }

  private reset(): DaemonEvent {
    return { type: 'reset', cursor: this.cursor }
  }

  /** Resolves at the next change, after `withinMs`, or when the signal is aborted. */
  private async change(withinMs: number, signal: AbortSignal): Promise<void> {
    const woken = new AbortController()
    const wake = () => woken.abort()
    this.sleepers.add(wake)
    signal.addEventListener('abort', wake, { once: true })
    try {
      await this.deps.clock.sleep(withinMs, woken.signal).catch(() => undefined)
    } finally {
      signal.removeEventListener('abort', wake)
      this.sleepers.delete(wake)
    }
  }
}
