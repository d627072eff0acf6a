import type { AdoptedPoints } from '../../src-shared/model/adopted-points.ts'
import type { BackupPolicy, BackupStatus } from '../../src-shared/model/backup.ts'
import type { EnvironmentId, EnvironmentRef } from '../../src-shared/model/ids.ts'
import type { CheckDepth } from '../../src-shared/model/operation-result.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { RecoveryPoint } from '../../src-shared/model/recovery-point.ts'
import { refuseQuarantined } from '../environments/quarantine.ts'
import { resolveEnvironment, resolveRecorded } from '../environments/views.ts'
import { hashOf } from '../operations/input-hash.ts'
import type { Requester } from '../operations/requester.ts'
import { toWirePoint } from '../store/points-table.ts'
import { adoptPoints } from './adopt-points.ts'
import {
  acceptBackup,
  acceptCheck,
  acceptPrune,
  type BackupCommand,
  type BackupCommandDeps,
} from './backup-commands.ts'
import { orphanedPoints } from './orphaned-points.ts'
import { PointContents, type BrowseQuery, type CompareQuery } from './point-contents.ts'
import { BackupStatuses } from './statuses.ts'

export interface PointsQuery {
  readonly environment: EnvironmentRef
  readonly isForgottenIncluded: boolean
  readonly limit: number
  readonly before?: number | undefined
}

export type BackupServiceDeps = BackupCommandDeps

/** What the calls about backups are answered with. */
export class BackupService {
  private readonly deps: BackupServiceDeps
  private readonly protection: BackupStatuses
  private readonly contents: PointContents

  constructor(deps: BackupServiceDeps) {
    this.deps = deps
    this.protection = new BackupStatuses(deps.recovery)
    this.contents = new PointContents(deps.recovery)
  }

  /** Of all environments, or of one. Throws `not_found`. */
  status(ref: EnvironmentRef | undefined) {
    const { clock, hostName, repositories, store } = this.deps.recovery
    const { base, isOnThisHost } = repositories
    const rows = ref === undefined ? this.statuses() : [this.rowOf(resolveEnvironment(store, ref).id)]
    return { at: clock.now(), hostName, base, isOnThisHost, rows }
  }

  /** Of every environment that is not destroyed. */
  statuses(): BackupStatus[] {
    return this.protection.all()
  }

  /** Undefined once it is destroyed. */
  statusOf(id: EnvironmentId): BackupStatus | undefined {
    return this.protection.of(id)
  }

  /** Newest first; of a destroyed environment by its id. Throws `not_found`. */
  points({ environment, ...filter }: PointsQuery): RecoveryPoint[] {
    const { store } = this.deps.recovery
    const environmentId = this.subjectOf(environment)
    return store.points.list({ environmentId, ...filter }).map(toWirePoint)
  }

  /** Of environments that are destroyed, or of which only points are known. */
  orphaned() {
    return orphanedPoints(this.deps.recovery)
  }

  adopt(caller: Requester, environmentId: EnvironmentId, signal: AbortSignal): Promise<AdoptedPoints> {
    return adoptPoints(this.deps.recovery, caller, { environmentId, signal })
  }

  now(caller: Requester, input: BackupCommand): Promise<Operation> {
    return acceptBackup(this.deps, caller, input)
  }

  check(caller: Requester, input: BackupCommand & { readonly depth: CheckDepth }): Promise<Operation> {
    return acceptCheck(this.deps, caller, input)
  }

  prune(caller: Requester, input: BackupCommand): Promise<Operation> {
    return acceptPrune(this.deps, caller, input)
  }

  /** Nothing is recorded where nothing changes. When the next backup and drill are due is decided anew. */
  setPolicy(
    { actor, requestId }: Requester,
    { environment: ref, policy }: { readonly environment: EnvironmentRef; readonly policy: BackupPolicy | null },
  ): BackupStatus {
    const { store, clock } = this.deps.recovery
    const id = store.db.transaction(() => {
      const environment = resolveEnvironment(store, ref)
      refuseQuarantined(environment)
      const { policy: from, malformation } = store.backupStates.of(environment.id)
      if (malformation === null && hashOf(from) === hashOf(policy)) return environment.id
      store.backupStates.setPolicy(environment.id, policy)
      store.backupStates.setNextAt(environment.id, null)
      store.backupStates.setNextDrillAt(environment.id, null)
      const about = { actor, requestId, operationId: null, environmentId: environment.id, at: clock.now() }
      const detail = { from, to: policy }
      store.activity.append({ ...about, action: 'backup.policy', outcome: 'succeeded', detail })
      return environment.id
    })
    return this.rowOf(id)
  }

  browse(query: BrowseQuery, signal: AbortSignal) {
    const owner = this.ownerOf(query.environment)
    return this.contents.browse(owner, query, signal)
  }

  compare(query: CompareQuery, signal: AbortSignal) {
    const owner = this.ownerOf(query.environment)
    return this.contents.compare(owner, query, signal)
  }

  private rowOf(id: EnvironmentId): BackupStatus {
    const row = this.protection.of(id)
    if (row === undefined) throw new Error(`The environment ${id} is gone`)
    return row
  }

  private ownerOf(ref: EnvironmentRef) {
    return { id: this.subjectOf(ref), name: ref }
  }

  /** Points outlive the record of their environment. */
  private subjectOf(ref: EnvironmentRef): EnvironmentId {
    const { store } = this.deps.recovery
    const asId = ref as EnvironmentId
    const hasRecord = store.environments.resolve(ref) !== undefined || store.environments.find(asId) !== undefined
    const isOnlyOfPoints =
      !hasRecord && store.points.list({ environmentId: asId, isForgottenIncluded: true, limit: 1 }).length > 0
    return isOnlyOfPoints ? asId : resolveRecorded(store, ref)
  }
}
