import { PilothouseError } from '../../src-shared/error.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { environmentOf } from '../environments/environment-of.ts'
import { describeFailure } from '../environments/failures.ts'
import { bringUp, START_STEP, type StartOptions } from '../environments/start-operations.ts'
import { awaitTurn, noticeEarlyEnd } from '../environments/start-steps.ts'
import { recordRollback } from '../operations/record-rollback.ts'
import type { OperationDefinition, Step } from '../operations/step.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { stopGuest, uncancellable } from './swap-guest.ts'
import { swapHome } from './swap-home.ts'
import { keptBefore, swapOf, swapSchema } from './swap-params.ts'
import { LAST_STEP, settleSwap, undoOffered } from './swap-settle.ts'
import { weighKept } from './undo-kept.ts'

/** A home with much in it takes minutes to be checked and grown. */
const GROW_MS = 21 * 60_000

/**
 * Brings back the home that a restore replaced, and keeps the restored one until the same deadline. Until the guest is
 * ready, whatever fails puts both homes back where they were, and the guest with them.
 */
export function undoOperation(recovery: RecoveryToolkit, { maxAttempts }: StartOptions): OperationDefinition {
  return {
    kind: 'undo_restore',
    claim: { mode: 'exclusive', resource: 'home', isDisplacing: true },
    steps: [
      checkKeptHome(recovery),
      awaitTurn(recovery),
      stopGuest(recovery),
      swapHome(recovery, (operation, now) => keptBefore(operation)?.until ?? now),
      ...uncancellable(bringUp(recovery)),
      commit(recovery),
    ],
    params: swapSchema,
    retry: { from: START_STEP, maxAttempts },
    describeFailure: describeUndoFailure(recovery),
    settle: (operation, outcome) => settleSwap(recovery, operation, outcome),
    recordAs: recordRollback,
  }
}

/** The kept home is there, and no smaller than the environment's homes are by now: one may have been resized since. */
function checkKeptHome(recovery: RecoveryToolkit): Step {
  const { store, drivers } = recovery
  return {
    name: 'check_home',
    phase: 'requested',
    deadlineMs: GROW_MS,
    isCancellable: true,
    run: async ({ operation, signal }) => {
      const { newHomeId } = swapOf(operation)
      const environment = environmentOf(recovery, operation)
      await weighKept(recovery, environment, newHomeId)
      const { homeMiB } = environment.size
      if (homeMiB <= (store.environments.homeSizeOf(newHomeId) ?? 0)) return
      await drivers.of(environment).growHome(newHomeId, homeMiB, signal)
    },
  }
}

/** The end: nothing is undone from here on. */
function commit(recovery: RecoveryToolkit): Step {
  return {
    name: LAST_STEP,
    phase: null,
    deadlineMs: recovery.deadlines.homeMs,
    isCancellable: false,
    isForwardOnly: true,
    enter: (operation) => {
      const { newHomeId: homeId } = swapOf(operation)
      const undo = undoOffered(recovery, operation)
      recovery.store.keptHomes.setProved(operation)
      recovery.store.operations.setResult(operation.id, { kind: 'undo_restore', homeId, undo })
    },
    run: ({ operation }) => noticeEarlyEnd(recovery, operation),
  }
}

/** Every failure says which home there is. */
function describeUndoFailure(recovery: RecoveryToolkit): OperationDefinition['describeFailure'] {
  const describe = describeFailure(recovery.logger)
  return (error, operation) => {
    const failure = describe(error, operation).toFailure()
    const { oldHomeId, newHomeId } = swapOf(operation)
    const details = { ...failure.details, oldHomeId, newHomeId }
    const message = `${failure.message} ${fateOf(operation)}`
    return PilothouseError.fromFailure({ ...failure, message, details }, error)
  }
}

function fateOf(operation: StoredOperation): string {
  const { oldHomeId, newHomeId } = swapOf(operation)
  if (operation.step === LAST_STEP) return `The environment runs on ${newHomeId} again; ${oldHomeId} is kept.`
  return `Its home, ${oldHomeId}, and the one that is kept for undo, ${newHomeId}, are kept as they are.`
}
