import { PilothouseError } from '../../src-shared/error.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { environmentOf } from '../environments/environment-of.ts'
import { describeFailure } from '../environments/failures.ts'
import { bringUp, START_STEP, type StartOptions } from '../environments/start-operations.ts'
import { awaitTurn, noticeEarlyEnd } from '../environments/start-steps.ts'
import { recordRollback } from '../operations/record-rollback.ts'
import type { OperationDefinition, Outcome, Step } from '../operations/step.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { checkPoint, fillHome, pointOf, verifiedOf, verifyFilled, type HomeFill } from './fill-home-steps.ts'
import { removeKeptHome } from './remove-kept-home.ts'
import { stopGuest, stopNow, uncancellable } from './swap-guest.ts'
import { leaveForRemoval, swapHome } from './swap-home.ts'
import { restoreParamsSchema, swapOf } from './swap-params.ts'
import { LAST_STEP, settleSwap, undoOffered } from './swap-settle.ts'
import { untilLetGo } from './until-let-go.ts'

/** The file system's check has a bound of its own; counting what is in it comes on top. */
const VERIFY_MS = 60 * 60_000
const ASKED_JUST_NOW_MS = 10_000

/**
 * Replaces the home with a recovery point. The point is restored into a new home and verified while the guest runs on;
 * only then is the guest stopped and the environment pointed at it. Until the guest is ready on it, whatever fails
 * brings the old home back and the guest with it, as they were. Afterwards the old home is kept for an undo.
 */
export function restoreOperation(recovery: RecoveryToolkit, { maxAttempts }: StartOptions): OperationDefinition {
  return {
    kind: 'restore',
    claim: { mode: 'exclusive', resource: 'home', isDisplacing: true },
    steps: [
      checkPointAgain(recovery),
      stopNow(recovery),
      untilLetGo(makeHome(recovery)),
      fillHome(recovery, (operation) => fillOf(recovery, operation)),
      untilLetGo(verifyHome(recovery)),
      { ...awaitTurn(recovery), phase: null },
      stopGuest(recovery),
      swapHome(recovery, (_operation, now) => now + recovery.settings.undoMs),
      ...uncancellable(bringUp(recovery)),
      commit(recovery),
    ],
    params: restoreParamsSchema,
    retry: { from: START_STEP, maxAttempts },
    describeFailure: describeRestoreFailure(recovery),
    settle: (operation, outcome) => settleRestore(recovery, operation, outcome),
    recordAs: recordRollback,
  }
}

/**
 * The run has asked for the point right before it was accepted: only where that was some time ago, where another daemon
 * asked, or where the guest is about to be ended, is it asked for again. No guest is ended for a point that cannot be
 * had, or before its repository has let this operation in. A point that goes in between is missed by the restore
 * itself, which touches no home then either.
 */
function checkPointAgain(recovery: RecoveryToolkit): Step {
  const step = checkPoint(recovery, (operation) => pointOf(recovery, operation))
  return {
    ...step,
    run: async (context) => {
      const { resumptions, requestedAt } = context.operation
      const ageMs = recovery.clock.now() - requestedAt
      const isNext = resumptions === 0 && context.operation.params.isStopNow !== true
      const isFresh = isNext && ageMs >= 0 && ageMs <= ASKED_JUST_NOW_MS
      if (!isFresh) await step.run(context)
    },
  }
}

function fillOf(recovery: RecoveryToolkit, operation: StoredOperation): HomeFill {
  const environment = environmentOf(recovery, operation)
  return {
    driver: recovery.drivers.of(environment),
    homeId: swapOf(operation).newHomeId,
    sizeMiB: environment.size.homeMiB,
    point: pointOf(recovery, operation),
  }
}

function makeHome(recovery: RecoveryToolkit): Step {
  const { store, clock, drivers, deadlines } = recovery
  return {
    name: 'make_home',
    phase: 'provisioning_vm',
    deadlineMs: deadlines.homeMs,
    isCancellable: true,
    run: async ({ operation, signal }) => {
      const { newHomeId } = swapOf(operation)
      const environment = environmentOf(recovery, operation)
      await drivers.of(environment).createHome(newHomeId, environment.size.homeMiB, signal)
      await store.db.together(() => store.environments.setHomeMade(newHomeId, clock.now()))
    },
    undo: async ({ operation }) => {
      const { newHomeId } = swapOf(operation)
      await drivers.of(environmentOf(recovery, operation)).destroyHome(newHomeId)
      await store.db.together(() => store.environments.setHomeRemoved(newHomeId, clock.now()))
    },
    undoDeadlineMs: deadlines.homeMs,
  }
}

function verifyHome(recovery: RecoveryToolkit): Step {
  return {
    name: 'verify',
    phase: null,
    deadlineMs: VERIFY_MS,
    isCancellable: true,
    run: async ({ operation, signal }) => {
      await verifyFilled(recovery, fillOf(recovery, operation), { signal })
    },
  }
}

/** Nothing is undone from here on. What it removes is a home that was kept for an earlier undo. */
function commit(recovery: RecoveryToolkit): Step {
  return {
    name: LAST_STEP,
    phase: null,
    deadlineMs: recovery.deadlines.homeMs,
    isCancellable: false,
    isForwardOnly: true,
    enter: (operation) => tellResult(recovery, operation),
    run: async ({ operation }) => {
      const { keptHomeId: homeId } = swapOf(operation)
      if (homeId !== null) await removeKeptHome(recovery, operation, { homeId })
      await noticeEarlyEnd(recovery, operation)
    },
  }
}

function tellResult(recovery: RecoveryToolkit, operation: StoredOperation): void {
  const { store, clock } = recovery
  const point = pointOf(recovery, operation)
  const verified = [...verifiedOf(point), 'The guest is ready on it.']
  const { newHomeId: homeId } = swapOf(operation)
  const undo = undoOffered(recovery, operation)
  store.operations.setResult(operation.id, { kind: 'restore', pointId: point.id, homeId, verified, undo })
  store.points.setVerified(point, clock.now())
  store.keptHomes.setProved(operation)
  leaveForRemoval(recovery, operation)
}

/** Every failure says which home there is. */
function describeRestoreFailure(recovery: RecoveryToolkit): OperationDefinition['describeFailure'] {
  const describe = describeFailure(recovery.logger)
  return (error, operation) => {
    const failure = describe(error, operation).toFailure()
    const { oldHomeId, newHomeId, keptHomeId } = swapOf(operation)
    const details = { ...failure.details, oldHomeId, newHomeId, pointId: operation.params['pointId'] }
    const message = `${failure.message} ${fateOf(operation, { oldHomeId, newHomeId, keptHomeId })}`
    return PilothouseError.fromFailure({ ...failure, message, details }, error)
  }
}

interface Homes {
  readonly oldHomeId: string
  readonly newHomeId: string
  readonly keptHomeId: string | null
}

function fateOf({ step }: StoredOperation, { oldHomeId, newHomeId, keptHomeId }: Homes): string {
  if (step !== LAST_STEP) return `Its home, ${oldHomeId}, is kept as it is.`
  const left =
    keptHomeId === null
      ? ''
      : ` The home ${keptHomeId}, kept for an earlier undo, may not be removed yet; that is tried again.`
  return `The environment runs on the restored home, ${newHomeId}; the replaced one, ${oldHomeId}, is kept.${left}`
}

function settleRestore(recovery: RecoveryToolkit, operation: StoredOperation, outcome: Outcome): void {
  settleSwap(recovery, operation, outcome)
  const isClean = outcome.kind === 'cancelled' || (outcome.kind === 'failed' && outcome.isRolledBack)
  const { newHomeId } = swapOf(operation)
  if (isClean) recovery.store.environments.setHomeRemoved(newHomeId, recovery.clock.now())
}
