import { PilothouseError } from '../../src-shared/error.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { endGuest } from '../environments/end-steps.ts'
import { DRIVER_MARGIN_MS, environmentOf } from '../environments/environment-of.ts'
import { insistOnHome, lookAtHome } from '../environments/home-look.ts'
import { awaitReady, startGuest } from '../environments/start-steps.ts'
import type { Step, UndoContext } from '../operations/step.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { record } from './swap-record.ts'
import { observedBefore, restoreParamsSchema, swapOf } from './swap-params.ts'

const LOOK_MARGIN_MS = 10_000

/** Ends the guest at once where that was asked for, and does nothing else. */
export function stopNow(recovery: RecoveryToolkit): Step {
  const end = endGuest(recovery, { name: 'stop_guest', graceMs: recovery.deadlines.stopGraceMs })
  const isWanted = ({ params }: StoredOperation) => restoreParamsSchema.parse(params).isStopNow
  return {
    ...end,
    name: 'stop_now',
    enter: (operation) => {
      if (isWanted(operation)) end.enter?.(operation)
    },
    run: async (context) => {
      if (isWanted(context.operation)) await end.run(context)
    },
    undo: async (context) => {
      if (isWanted(context.operation)) await bringBack(recovery, context)
    },
    undoDeadlineMs: bringBackMs(recovery),
  }
}

/**
 * Ends the guest, gracefully if it can, and looks whether its home is there. The undo starts it again, on the home that
 * the environment points at then, and waits until it is ready, if it had run before.
 */
export function stopGuest(recovery: RecoveryToolkit): Step {
  const onMissing = (operation: StoredOperation) => recordMissing(recovery, operation)
  const end = endGuest(recovery, { name: 'stop_guest', graceMs: recovery.deadlines.stopGraceMs, onMissing })
  return {
    ...end,
    deadlineMs: (end.deadlineMs ?? 0) + LOOK_MARGIN_MS,
    run: async (context) => {
      await end.run(context)
      await noteHome(recovery, context.operation)
    },
    undo: (context) => bringBack(recovery, context),
    undoDeadlineMs: bringBackMs(recovery),
  }
}

/** From here on nothing is cancelled any more: the way back takes as long as the way on. */
export function uncancellable(steps: readonly Step[]): Step[] {
  return steps.map((step) => ({ ...step, isCancellable: false }))
}

function bringBackMs({ deadlines: { startMs, stopForceMs } }: RecoveryToolkit): number {
  return 2 * startMs + stopForceMs + 3 * DRIVER_MARGIN_MS
}

/** A home that is positively gone is recorded as gone; one that cannot be looked at now is taken to be there. */
async function noteHome(recovery: RecoveryToolkit, operation: StoredOperation): Promise<void> {
  const environment = environmentOf(recovery, operation)
  if (environment.home.madeAt === null) return
  try {
    insistOnHome(recovery, environment, await lookAtHome(recovery, environment))
  } catch (error) {
    if (error instanceof PilothouseError && error.code === 'home_gone') return
    recovery.logger.warn({ err: error, operationId: operation.id }, 'A home could not be looked at before a swap')
  }
}

/** A guest that was never ended is left as it is; one that does not come up is ended again, and fails the rollback. */
async function bringBack(recovery: RecoveryToolkit, { operation, signal, scope }: UndoContext): Promise<void> {
  if (!swapOf(operation).hadGuest) return
  const [start, ready] = [startGuest(recovery), awaitReady(recovery)]
  const attempt = operation.attempt ?? 1
  const context = { operation, signal, scope, attempt, report: () => undefined, childStarted: () => undefined }
  try {
    await start.run(context)
    recovery.store.db.transaction(() => ready.enter?.(operation))
    await ready.run(context)
  } catch (error) {
    if (!signal.aborted) await start.undo?.({ operation, signal, scope, cause: operation.undoCause ?? UNKNOWN })
    throw error
  }
  showRunning(recovery, operation)
}

const UNKNOWN = new PilothouseError('internal', 'The cause was not recorded.').toFailure()

function showRunning({ store, clock }: RecoveryToolkit, { id, environmentId }: StoredOperation): void {
  const boot = store.boots.liveOf(environmentId)
  if (boot === undefined) return
  const [since, agent] = [clock.now(), boot.operationId === id ? 'answering' : 'silent'] as const
  store.db.transaction(() => {
    store.environments.setObserved(environmentId, { kind: 'running', since, bootId: boot.id, agent }, since)
  })
}

function recordMissing(recovery: RecoveryToolkit, operation: StoredOperation): void {
  const { kind } = observedBefore(operation)
  const wasEnded = operation.params['isStopNow'] === true
  if (kind === 'stopped' || wasEnded) return
  record(recovery, operation, { outcome: 'continued_without_guest', detail: { observed: kind } })
}
