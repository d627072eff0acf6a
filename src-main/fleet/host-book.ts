import type { FleetEvent, HostState } from '../../src-shared/contract/app.ts'
import type { DaemonEvent } from '../../src-shared/contract/daemon.ts'
import type { Clock } from '../../src-shared/lib/clock.ts'
import type { Disposable } from '../../src-shared/lib/disposable.ts'
import type { ActivityHead } from '../../src-shared/model/activity.ts'
import type { BackupStatus } from '../../src-shared/model/backup.ts'
import type { Cursor } from '../../src-shared/model/cursor.ts'
import type { Environment } from '../../src-shared/model/environment.ts'
import type { HostId } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { CachedChange, StateCache } from '../store/state-cache.ts'

/** Ended operations kept of one host; running ones are always kept. */
const ENDED_OPERATIONS_MOST = 500
/** Changes are written together, at most this often, milliseconds. */
const SAVE_EVERY_MS = 1_000
/** Rows in one transaction, so that a large host does not hold up the others. */
const SAVE_ROWS = 500
/** A confirmation alone is written at most this often, milliseconds. */
const CONFIRM_EVERY_MS = 15_000

/** Behind the others, so that the order of the map is the order of change. */
function putLast<T>(rows: Map<string, T>, id: string, row: T): void {
  rows.delete(id)
  rows.set(id, row)
}

/**
 * What one host last said, in memory and in the cache. Facts are changed by the host's own word only: a lost
 * connection leaves them as they are, and `confirmedAt` tells their age.
 */
export class HostBook implements Disposable {
  private readonly hostId: HostId
  private readonly cache: StateCache
  private readonly clock: Clock
  private readonly environments: Map<string, Environment>
  private readonly operations: Map<string, Operation>
  /** By environment. */
  private readonly backups: Map<string, BackupStatus>
  private readonly unsaved = new Map<string, CachedChange>()
  private readonly closing = new AbortController()
  private isSaving = false
  private savedAt = Number.NEGATIVE_INFINITY
  private place: Cursor | null
  private heardAt: number | null
  private activityHead: ActivityHead | null = null

  constructor(hostId: HostId, cache: StateCache, clock: Clock) {
    this.hostId = hostId
    this.cache = cache
    this.clock = clock
    const cached = cache.load(hostId)
    this.environments = new Map(cached.environments.map((environment) => [environment.id, environment]))
    this.operations = new Map(cached.operations.map((operation) => [operation.id, operation]))
    this.backups = new Map(cached.backups.map((backup) => [backup.environmentId, backup]))
    this.place = cached.cursor
    this.heardAt = cached.confirmedAt
  }

  /** From where the host's events continue; null to begin with a snapshot. */
  get cursor(): Cursor | null {
    return this.place
  }

  get confirmedAt(): number | null {
    return this.heardAt
  }

  state(): HostState {
    return {
      hostId: this.hostId,
      environments: [...this.environments.values()],
      operations: [...this.operations.values()],
      backups: [...this.backups.values()],
      confirmedAt: this.heardAt,
      activityHead: this.activityHead,
    }
  }

  /** Takes one event of the host and says what became of the fleet by it. A reset tells nothing of the state. */
  apply(event: DaemonEvent): FleetEvent | null {
    if (event.type === 'reset') {
      this.place = null
      return null
    }
    const heardAt = this.clock.now()
    this.heardAt = heardAt
    this.place = event.cursor
    if ('activityHead' in event) this.activityHead = event.activityHead
    const changed = this.change(event, heardAt)
    this.scheduleSave(event.type !== 'confirmed')
    return changed
  }

  private change(event: Exclude<DaemonEvent, { type: 'reset' }>, heardAt: number): FleetEvent {
    const { hostId } = this
    switch (event.type) {
      case 'snapshot':
        this.replace(event)
        return { type: 'state_replaced', state: this.state() }
      case 'environment_changed':
        this.putEnvironment(event.environment)
        return { type: 'environment_changed', hostId, environment: event.environment, confirmedAt: heardAt }
      case 'environment_removed':
        this.drop('environment', this.environments, event.environmentId)
        this.drop('backup', this.backups, event.environmentId)
        return { type: 'environment_removed', hostId, environmentId: event.environmentId }
      case 'operation_changed':
        this.putOperation(event.operation)
        this.forgetOldOperations()
        return { type: 'operation_changed', hostId, operation: event.operation }
      case 'backup_changed':
        this.putBackup(event.backup)
        return { type: 'backup_changed', hostId, backup: event.backup }
      case 'confirmed':
        return {
          type: 'state_confirmed',
          hostId,
          confirmedAt: heardAt,
          activityHead: this.activityHead,
        }
    }
  }

  private replace(snapshot: Extract<DaemonEvent, { type: 'snapshot' }>): void {
    for (const id of [...this.environments.keys()]) this.drop('environment', this.environments, id)
    for (const id of [...this.operations.keys()]) this.drop('operation', this.operations, id)
    for (const id of [...this.backups.keys()]) this.drop('backup', this.backups, id)
    for (const environment of snapshot.environments) this.putEnvironment(environment)
    for (const operation of snapshot.operations) this.putOperation(operation)
    for (const backup of snapshot.backups) this.putBackup(backup)
    this.forgetOldOperations()
  }

  private putEnvironment(environment: Environment): void {
    putLast(this.environments, environment.id, environment)
    this.keep({ kind: 'environment', id: environment.id, body: environment })
  }

  private putOperation(operation: Operation): void {
    putLast(this.operations, operation.id, operation)
    this.keep({ kind: 'operation', id: operation.id, body: operation })
  }

  private putBackup(backup: BackupStatus): void {
    putLast(this.backups, backup.environmentId, backup)
    this.keep({ kind: 'backup', id: backup.environmentId, body: backup })
  }

  private drop(kind: CachedChange['kind'], rows: Map<string, unknown>, id: string): void {
    if (rows.delete(id)) this.keep({ kind, id, body: null })
  }

  private keep(change: CachedChange): void {
    this.unsaved.set(`${change.kind} ${change.id}`, change)
  }

  private forgetOldOperations(): void {
    if (this.operations.size <= ENDED_OPERATIONS_MOST) return
    const ended = [...this.operations.values()].filter(({ status }) => status.kind !== 'running')
    for (const { id } of ended.slice(0, Math.max(0, ended.length - ENDED_OPERATIONS_MOST))) {
      this.drop('operation', this.operations, id)
    }
  }

  private scheduleSave(isUrgent: boolean): void {
    const isDue = isUrgent || this.clock.monotonicMs() - this.savedAt >= CONFIRM_EVERY_MS
    if (this.isSaving || !isDue || this.closing.signal.aborted) return
    this.isSaving = true
    void this.saveLater()
  }

  private async saveLater(): Promise<void> {
    try {
      do {
        await this.clock.sleep(SAVE_EVERY_MS, this.closing.signal)
        this.saveSome(SAVE_ROWS)
      } while (this.unsaved.size > 0)
    } catch {
      // Closing writes what is left; a cache that cannot be written costs only the memory of a restart.
    } finally {
      this.isSaving = false
    }
  }

  private saveSome(most: number): void {
    const keys = [...this.unsaved.keys()].slice(0, most)
    const changes = keys.map((key) => this.unsaved.get(key)).filter((change) => change !== undefined)
    const isWhole = keys.length === this.unsaved.size
    this.cache.save(this.hostId, changes, { cursor: isWhole ? this.place : null, confirmedAt: this.heardAt })
    // Only now: what could not be written is written the next time, or the cursor would promise what is not there.
    for (const key of keys) this.unsaved.delete(key)
    this.savedAt = this.clock.monotonicMs()
  }

  /** Writes what is not yet written, if it can be: the host may have been forgotten by another process. */
  dispose(): void {
    if (this.closing.signal.aborted) return
    this.closing.abort()
    try {
      if (this.heardAt !== null) this.saveSome(Number.POSITIVE_INFINITY)
    } catch {
      // A cache: the host tells again.
    }
  }

  /** Ends without writing, for a host that has been forgotten. */
  discard(): void {
    this.closing.abort()
  }
}
