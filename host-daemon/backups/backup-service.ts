import { PilothouseError } from '../../src-shared/error.ts'
import type { BackupPolicy, BackupStatus } from '../../src-shared/model/backup.ts'
import type {
  CommandId,
  EnvironmentId,
  EnvironmentRef,
  RecoveryPointId,
  RecoveryPointRef,
} from '../../src-shared/model/ids.ts'
import type { CheckDepth } from '../../src-shared/model/operation-result.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { ChangeCounts, PointChange, PointEntry, RecoveryPoint } from '../../src-shared/model/recovery-point.ts'
import type { OperationEngine } from '../operations/engine.ts'
import type { Requester } from '../operations/requester.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'

interface Command {
  readonly commandId: CommandId
  readonly environment: EnvironmentRef
}

interface Page {
  readonly limit: number
  readonly after?: string | undefined
}

export interface PointsQuery {
  readonly environment: EnvironmentRef
  readonly isForgottenIncluded: boolean
  readonly limit: number
  readonly before?: number | undefined
}

export interface BrowseQuery extends Page {
  readonly environment: EnvironmentRef
  readonly point: RecoveryPointRef
  readonly folder: string
}

export interface CompareQuery extends Page {
  readonly environment: EnvironmentRef
  readonly from: RecoveryPointRef
  readonly to: RecoveryPointRef
}

export interface BackupServiceDeps {
  readonly recovery: RecoveryToolkit
  readonly engine: OperationEngine
}

const NOT_YET = () => new PilothouseError('engine_failed', 'Backups are not part of this daemon yet.')

/** What the calls about backups are answered with. */
export class BackupService {
  private readonly deps: BackupServiceDeps

  constructor(deps: BackupServiceDeps) {
    this.deps = deps
  }

  status(_environment: EnvironmentRef | undefined) {
    const { clock, hostName, repositories } = this.deps.recovery
    const { base, isOnThisHost } = repositories
    return { at: clock.now(), hostName, base, isOnThisHost, rows: this.statuses() }
  }

  /** Of every environment that is not destroyed. */
  statuses(): BackupStatus[] {
    return []
  }

  /** Undefined once it is destroyed. */
  statusOf(_id: EnvironmentId): BackupStatus | undefined {
    return undefined
  }

  points(_query: PointsQuery): RecoveryPoint[] {
    return []
  }

  now(_caller: Requester, _input: Command): Promise<Operation> {
    throw NOT_YET()
  }

  check(_caller: Requester, _input: Command & { readonly depth: CheckDepth }): Operation {
    throw NOT_YET()
  }

  prune(_caller: Requester, _input: Command): Operation {
    throw NOT_YET()
  }

  setPolicy(
    _caller: Requester,
    _input: { readonly environment: EnvironmentRef; readonly policy: BackupPolicy | null },
  ): BackupStatus {
    throw NOT_YET()
  }

  browse(
    _query: BrowseQuery,
    _signal: AbortSignal,
  ): Promise<{ pointId: RecoveryPointId; entries: PointEntry[]; next: string | null }> {
    throw NOT_YET()
  }

  compare(
    _query: CompareQuery,
    _signal: AbortSignal,
  ): Promise<{
    from: RecoveryPointId
    to: RecoveryPointId
    counts: ChangeCounts
    changes: PointChange[]
    next: string | null
  }> {
    throw NOT_YET()
  }
}
