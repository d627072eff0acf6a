import type { FleetEvent, HostState } from '../../src-shared/contract/app.ts'
import type { ActivityHead } from '../../src-shared/model/activity.ts'
import type { BackupStatus } from '../../src-shared/model/backup.ts'
import type { Environment } from '../../src-shared/model/environment.ts'
import type { Host } from '../../src-shared/model/host.ts'
import type { HostId } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { HostEvidence } from '../lib/environment-state.ts'
import { rowKey, type EnvironmentRow } from '../lib/environment-list.ts'

/** One operation of one host; replaced, never changed. */
export interface OperationRow {
  readonly key: string
  readonly hostId: HostId
  readonly operation: Operation
}

/** Ended operations kept per host; running ones are always kept. */
const ENDED_KEPT = 500

/**
 * The fleet as plain maps, so that thousands of events a second cost no reactivity. Whoever draws reads the maps
 * after the store has said that they changed.
 */
export class FleetTables {
  readonly hosts = new Map<HostId, Host>()
  readonly rows = new Map<string, EnvironmentRow>()
  readonly operations = new Map<string, OperationRow>()
  /** How well an environment was protected when its host last said so, by the key of its row. */
  readonly backups = new Map<string, BackupStatus>()
  private readonly heads = new Map<HostId, ActivityHead>()
  private readonly confirmed = new Map<HostId, number>()
  private readonly offsets = new Map<HostId, number>()

  evidenceOf(hostId: HostId): HostEvidence {
    return { confirmedAt: this.confirmed.get(hostId) ?? null, clockOffsetMs: this.offsets.get(hostId) ?? 0 }
  }

  /** The end of the host's activity chain as last told. */
  headOf(hostId: HostId): ActivityHead | undefined {
    return this.heads.get(hostId)
  }

  apply(event: FleetEvent): void {
    switch (event.type) {
      case 'snapshot': {
        this.replaceAll(event.hosts, event.states)
        return
      }
      case 'host_changed': {
        this.putHost(event.host)
        return
      }
      case 'host_removed': {
        this.removeHost(event.hostId)
        return
      }
      case 'state_replaced': {
        this.replaceState(event.state)
        return
      }
      case 'state_confirmed':
        this.confirmed.set(event.hostId, event.confirmedAt)
        this.putHead(event.hostId, event.activityHead)
        return
      case 'environment_changed': {
        this.putEnvironment(event.hostId, event.environment)
        this.confirmed.set(event.hostId, event.confirmedAt)
        return
      }
      case 'environment_removed':
        this.rows.delete(rowKey(event.hostId, event.environmentId))
        this.backups.delete(rowKey(event.hostId, event.environmentId))
        return
      case 'backup_changed':
        this.putBackup(event.hostId, event.backup)
        return
      case 'operation_changed': {
        this.putOperation(event.hostId, event.operation)
        return
      }
    }
  }

  private replaceAll(hosts: readonly Host[], states: readonly HostState[]): void {
    this.hosts.clear()
    this.rows.clear()
    this.operations.clear()
    this.backups.clear()
    this.confirmed.clear()
    this.heads.clear()
    for (const host of hosts) this.putHost(host)
    for (const state of states) this.replaceState(state)
  }

  private putHost(host: Host): void {
    this.hosts.set(host.id, host)
    if (host.connection.kind === 'connected') this.offsets.set(host.id, host.connection.clockOffsetMs)
  }

  private removeHost(hostId: HostId): void {
    this.hosts.delete(hostId)
    this.confirmed.delete(hostId)
    this.offsets.delete(hostId)
    this.heads.delete(hostId)
    this.dropRowsOf(hostId)
  }

  private dropRowsOf(hostId: HostId): void {
    for (const [key, row] of this.rows) {
      if (row.hostId !== hostId) continue
      this.rows.delete(key)
      this.backups.delete(key)
    }
    for (const [key, row] of this.operations) if (row.hostId === hostId) this.operations.delete(key)
  }

  private replaceState(state: HostState): void {
    this.dropRowsOf(state.hostId)
    for (const environment of state.environments) this.putEnvironment(state.hostId, environment)
    for (const backup of state.backups) this.putBackup(state.hostId, backup)
    for (const operation of state.operations) this.putOperation(state.hostId, operation)
    if (state.confirmedAt !== null) this.confirmed.set(state.hostId, state.confirmedAt)
    this.putHead(state.hostId, state.activityHead)
  }

  private putHead(hostId: HostId, head: ActivityHead | null): void {
    if (head !== null) this.heads.set(hostId, head)
  }

  private putEnvironment(hostId: HostId, environment: Environment): void {
    const key = rowKey(hostId, environment.id)
    this.rows.set(key, { key, hostId, environment })
  }

  private putBackup(hostId: HostId, backup: BackupStatus): void {
    this.backups.set(rowKey(hostId, backup.environmentId), backup)
  }

  private putOperation(hostId: HostId, operation: Operation): void {
    const key = rowKey(hostId, operation.id)
    this.operations.set(key, { key, hostId, operation })
    if (this.operations.size > ENDED_KEPT * (this.hosts.size + 1)) this.dropOldestEnded()
  }

  private dropOldestEnded(): void {
    for (const [key, row] of this.operations) {
      if (row.operation.status.kind === 'running') continue
      this.operations.delete(key)
      return
    }
  }
}
