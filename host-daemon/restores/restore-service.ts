import type { EnvironmentSize } from '../../src-shared/model/environment.ts'
import type {
  CommandId,
  EnvironmentName,
  EnvironmentRef,
  HomeId,
  ImageRef,
  OwnerName,
  RecoveryPointRef,
} from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { DropPlan, RestorePlan, UndoPlan } from '../../src-shared/model/restore.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import type { DangerousDeps, DangerousInput, Planned } from '../environments/dangerous.ts'
import type { SpawnLimits } from '../environments/spawn-command.ts'
import type { Requester } from '../operations/requester.ts'
import { clone, type CloneDeps } from './clone-command.ts'
import { acceptDrill } from './drill-command.ts'
import { planDrop, runDrop } from './drop-command.ts'
import { restoreFiles } from './files-command.ts'
import { planRestore, runRestore, type RestoreDeps } from './restore-command.ts'
import { PointPresence } from './restore-presence.ts'
import { planUndo, runUndo } from './undo-command.ts'

interface Pointed {
  readonly environment: EnvironmentRef
  readonly point: RecoveryPointRef
}

interface NewEnvironment {
  readonly name: EnvironmentName
  readonly owner: OwnerName
}

export interface PlanRestoreInput extends Pointed {
  readonly isStopNow: boolean
}

export interface PlanDropInput {
  readonly environment: EnvironmentRef
  /** Absent: the one that is kept for undo. */
  readonly home?: HomeId | undefined
}

export interface FilesInput extends Pointed {
  readonly commandId: CommandId
  readonly paths: readonly string[]
  readonly folder: string
}

export interface CloneInput extends Pointed, NewEnvironment {
  readonly commandId: CommandId
  readonly image?: ImageRef | undefined
  readonly size?: { readonly [K in keyof EnvironmentSize]?: number | undefined } | undefined
}

export interface DrillInput extends Pointed {
  readonly commandId: CommandId
  readonly promoteTo?: NewEnvironment | undefined
}

export interface RestoreServiceDeps {
  readonly recovery: RecoveryToolkit
  readonly dangerous: DangerousDeps
  readonly limits: SpawnLimits
  readonly isImageUsable: (image: ImageRef) => Promise<boolean>
}

/** What the calls that use a recovery point are answered with. */
export class RestoreService {
  readonly deps: RestoreServiceDeps
  private readonly restoring: RestoreDeps
  private readonly making: CloneDeps

  constructor(deps: RestoreServiceDeps) {
    this.deps = deps
    this.making = { ...deps, engine: deps.dangerous.engine }
    this.restoring = { ...deps, presence: new PointPresence(deps.recovery) }
  }

  planRestore(caller: Requester, input: PlanRestoreInput, signal: AbortSignal): Promise<Planned<RestorePlan>> {
    return planRestore(this.restoring, caller, { wish: input, signal })
  }

  runRestore(caller: Requester, input: DangerousInput, signal: AbortSignal): Promise<Operation> {
    return runRestore(this.restoring, caller, { input, signal })
  }

  planUndo(caller: Requester, environment: EnvironmentRef): Promise<Planned<UndoPlan>> {
    return planUndo(this.restoring, caller, environment)
  }

  runUndo(caller: Requester, input: DangerousInput): Promise<Operation> {
    return runUndo(this.restoring, caller, input)
  }

  planDrop(caller: Requester, input: PlanDropInput): Promise<Planned<DropPlan>> {
    return planDrop(this.restoring, caller, input)
  }

  runDrop(caller: Requester, input: DangerousInput): Promise<Operation> {
    return runDrop(this.restoring, caller, input)
  }

  files(caller: Requester, input: FilesInput): Promise<Operation> {
    return restoreFiles(this.making, caller, input)
  }

  clone(caller: Requester, input: CloneInput): Promise<Operation> {
    return clone(this.making, caller, input)
  }

  drill(caller: Requester, input: DrillInput): Promise<Operation> {
    return acceptDrill(this.making, caller, input)
  }
}
