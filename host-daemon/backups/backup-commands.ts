import { PilothouseError } from '../../src-shared/error.ts'
import type { CommandId, EnvironmentId, EnvironmentRef } from '../../src-shared/model/ids.ts'
import type { CheckDepth } from '../../src-shared/model/operation-result.ts'
import type { Operation, OperationKind } from '../../src-shared/model/operation.ts'
import { refuseGoneHome } from '../environments/bring-up.ts'
import { refuseQuarantined } from '../environments/quarantine.ts'
import { resolveEnvironment } from '../environments/views.ts'
import { inFlight } from '../operations/acceptance.ts'
import type { OperationEngine } from '../operations/engine.ts'
import type { Requester } from '../operations/requester.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { paramsOfDepth } from './check-operation.ts'
import { goneHome } from './home-reading.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'

export interface BackupCommandDeps {
  readonly recovery: RecoveryToolkit
  readonly engine: OperationEngine
  /** Has a last look in the transaction that accepts a backup, and refuses it by throwing. */
  readonly onAccepting?: (environmentId: EnvironmentId) => void
}

export interface BackupCommand {
  readonly commandId: CommandId
  readonly environment: EnvironmentRef
}

/**
 * Accepts a backup. Refuses with `wrong_state` where there is no home yet, with `home_gone` on positive evidence, and
 * with `operation_in_flight` while another backup of the environment runs.
 */
export async function acceptBackup(
  { recovery, engine, onAccepting }: BackupCommandDeps,
  caller: Requester,
  input: BackupCommand,
): Promise<Operation> {
  const { store } = recovery
  const command = { kind: 'backup', caller, commandId: input.commandId, input } as const
  const replayed = engine.replayOf(command)
  if (replayed !== undefined) return replayed
  const asked = resolveEnvironment(store, input.environment)
  refuseUnready(asked)
  try {
    await refuseGoneHome(recovery, asked)
  } catch (error) {
    throw goneHome(asked, error)
  }
  let environment: StoredEnvironment
  return engine.accept({
    ...command,
    target: () => (environment = resolveEnvironment(store, input.environment)),
    admit: (operationId) => {
      refuseUnready(environment)
      refuseSecond(recovery, 'backup', { environmentId: environment.id, operationId })
      onAccepting?.(environment.id)
      const at = recovery.clock.now()
      store.backupStates.setAttempt(environment.id, { at, operationId, outcome: 'running', failure: null })
    },
  })
}

function refuseUnready(environment: StoredEnvironment): void {
  refuseQuarantined(environment)
  if (environment.home.madeAt !== null) return
  const message = `${environment.name} has no home yet, so that there is nothing to back up.`
  throw new PilothouseError('wrong_state', message, { hint: 'Start the environment first: that makes its home.' })
}

/** Accepts a check of the environment's repository. */
export function acceptCheck(
  deps: BackupCommandDeps,
  caller: Requester,
  input: BackupCommand & { readonly depth: CheckDepth },
): Promise<Operation> {
  return acceptUse(deps, 'check', { caller, input, params: () => paramsOfDepth(input.depth) })
}

/** Accepts a prune of the environment's repository. */
export function acceptPrune(deps: BackupCommandDeps, caller: Requester, input: BackupCommand): Promise<Operation> {
  return acceptUse(deps, 'prune', { caller, input })
}

interface Use {
  readonly caller: Requester
  readonly input: BackupCommand
  readonly params?: () => StoredOperation['params']
}

function acceptUse({ recovery, engine }: BackupCommandDeps, kind: 'check' | 'prune', use: Use): Promise<Operation> {
  const { store } = recovery
  const { caller, input, params } = use
  let environment: StoredEnvironment
  return engine.accept({
    kind,
    caller,
    commandId: input.commandId,
    input,
    target: () => (environment = resolveEnvironment(store, input.environment)),
    ...(params === undefined ? {} : { params }),
    admit: (operationId) => {
      refuseQuarantined(environment)
      refuseSecond(recovery, kind, { environmentId: environment.id, operationId })
    },
  })
}

/** Shared claims run beside each other; two of the same kind would do the same thing twice. */
function refuseSecond(
  { store, clock }: RecoveryToolkit,
  kind: OperationKind,
  {
    environmentId,
    operationId,
  }: { readonly environmentId: EnvironmentId; readonly operationId: StoredOperation['id'] },
): void {
  const others = store.claims.sharersOf(environmentId).filter((id) => id !== operationId)
  const same = others.map((id) => store.operations.find(id)).find((other) => other?.kind === kind)
  if (same !== undefined) throw inFlight(same, clock.now())
}
