import type { Environment } from '../../src-shared/model/environment.ts'
import type { EnvironmentId, EnvironmentName, EnvironmentRef, OwnerName } from '../../src-shared/model/ids.ts'
import type { Labels } from '../../src-shared/model/labels.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { Requester } from '../operations/requester.ts'
import type { DangerousDeps, DangerousInput, Planned } from './dangerous.ts'
import { planDestroy, runDestroy } from './destroy-command.ts'
import { rename, setLabels, setProtection } from './detail-commands.ts'
import { start, stop, type PowerDeps, type PowerInput } from './power-commands.ts'
import { recover, type RecoverInput } from './recover-command.ts'
import { reboot } from './reboot-command.ts'
import { planReset, runReset } from './reset-command.ts'
import { resize, type ResizeInput } from './resize-command.ts'
import { spawn, type SpawnDeps, type SpawnInput } from './spawn-command.ts'
import { recordSpawnRefusal } from './spawn-refusals.ts'
import { resolveEnvironment, resolveRecorded, type EnvironmentViews } from './views.ts'

export interface EnvironmentServiceDeps extends SpawnDeps, DangerousDeps, PowerDeps {
  readonly views: EnvironmentViews
}

/** The commands on environments, and what is known of them. Every command answers once it is durably accepted. */
export class EnvironmentService {
  private readonly deps: EnvironmentServiceDeps

  constructor(deps: EnvironmentServiceDeps) {
    this.deps = deps
  }

  list(owner?: OwnerName): Environment[] {
    return this.deps.views.list(owner)
  }

  get(ref: EnvironmentRef): Environment {
    return this.deps.views.of(resolveEnvironment(this.deps.toolkit.store, ref))
  }

  /** Destroyed ones too, by id: their record outlives them. Throws `not_found`. */
  resolveRecorded(ref: EnvironmentRef): EnvironmentId {
    return resolveRecorded(this.deps.toolkit.store, ref)
  }

  async spawn(caller: Requester, input: SpawnInput): Promise<Operation> {
    try {
      return await spawn(this.deps, caller, input)
    } catch (error) {
      recordSpawnRefusal(this.deps.toolkit, caller, { error, input })
      throw error
    }
  }

  start(caller: Requester, input: PowerInput): Promise<Operation> {
    return start(this.deps, caller, input)
  }

  stop(caller: Requester, input: PowerInput): Promise<Operation> {
    return stop(this.deps, caller, input)
  }

  reboot(caller: Requester, input: PowerInput): Promise<Operation> {
    return reboot(this.deps, caller, input)
  }

  recover(caller: Requester, input: RecoverInput): Promise<Operation> {
    return recover(this.deps, caller, input)
  }

  resize(caller: Requester, input: ResizeInput): Promise<Operation> {
    return resize(this.deps, caller, input)
  }

  rename(caller: Requester, ref: EnvironmentRef, name: EnvironmentName): Environment {
    return this.get(rename(this.deps.toolkit, caller, { ref, name }))
  }

  setLabels(caller: Requester, ref: EnvironmentRef, labels: Labels): Environment {
    return this.get(setLabels(this.deps.toolkit, caller, { ref, labels }))
  }

  planReset(caller: Requester, ref: EnvironmentRef): Promise<Planned> {
    return planReset(this.deps, caller, ref)
  }

  runReset(caller: Requester, input: DangerousInput): Promise<Operation> {
    return runReset(this.deps, caller, input)
  }

  planDestroy(caller: Requester, ref: EnvironmentRef): Promise<Planned> {
    return planDestroy(this.deps, caller, ref)
  }

  runDestroy(caller: Requester, input: DangerousInput): Promise<Operation> {
    return runDestroy(this.deps, caller, input)
  }

  setProtection(caller: Requester, ref: EnvironmentRef, isProtected: boolean): Environment {
    return this.get(setProtection(this.deps.toolkit, caller, { ref, isProtected }))
  }
}
