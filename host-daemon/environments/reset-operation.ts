import { z } from 'zod'
import { PilothouseError } from '../../src-shared/error.ts'
import { homeIdSchema } from '../../src-shared/model/ids.ts'
import type { OperationDefinition, Outcome, Step } from '../operations/step.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { endGuest } from './end-steps.ts'
import { environmentOf } from './environment-of.ts'
import { describeFailure } from './failures.ts'
import { settleStart } from './settle-start.ts'
import { bringUp, START_STEP, type StartOptions } from './start-operations.ts'
import { awaitTurn, noticeEarlyEnd } from './start-steps.ts'
import type { Toolkit } from './toolkit.ts'

const LAST_STEP = 'remove_old_home'

/** The two homes of a reset, decided at its acceptance. */
const resetHomesSchema = z.object({ oldHomeId: homeIdSchema, newHomeId: homeIdSchema })

/**
 * Replaces the home with a fresh one and starts the guest from its image. Until the guest is ready on the new home the
 * old one is not touched, and any failure brings it back; only then is it removed, which cannot be undone.
 */
export function resetOperation(toolkit: Toolkit, { maxAttempts }: StartOptions): OperationDefinition {
  const onMissing = (operation: StoredOperation) => recordMissingGuest(toolkit, operation)
  return {
    kind: 'reset',
    claim: { mode: 'exclusive', resource: 'home', isDisplacing: true },
    steps: [
      awaitTurn(toolkit),
      makeNewHome(toolkit),
      endGuest(toolkit, { name: 'stop_guest', graceMs: 0, onMissing }),
      swapHome(toolkit),
      ...bringUp(toolkit),
      removeOldHome(toolkit),
    ],
    params: resetHomesSchema,
    retry: { from: START_STEP, maxAttempts },
    describeFailure: describeResetFailure(toolkit),
    settle: (operation, outcome) => settleReset(toolkit, operation, outcome),
  }
}

function homesOf({ params }: StoredOperation): z.infer<typeof resetHomesSchema> {
  return resetHomesSchema.parse(params)
}

function makeNewHome(toolkit: Toolkit): Step {
  const { store, clock, drivers, deadlines } = toolkit
  return {
    name: 'make_home',
    phase: 'provisioning_vm',
    deadlineMs: deadlines.homeMs,
    isCancellable: true,
    run: async ({ operation, signal }) => {
      const { newHomeId } = homesOf(operation)
      const environment = environmentOf(toolkit, operation)
      await drivers.of(environment).createHome(newHomeId, environment.size.homeMiB, signal)
      store.db.transaction(() => store.environments.setHomeMade(newHomeId, clock.now()))
    },
    undo: async ({ operation }) => {
      const { newHomeId } = homesOf(operation)
      await drivers.of(environmentOf(toolkit, operation)).destroyHome(newHomeId)
      store.db.transaction(() => store.environments.setHomeRemoved(newHomeId, clock.now()))
    },
  }
}

/** The pointer changes with the journal: there is no moment at which the one says something else than the other. */
function swapHome({ store }: Toolkit): Step {
  return {
    name: 'swap_home',
    phase: null,
    deadlineMs: null,
    isCancellable: false,
    enter: (operation) => store.environments.setHome(operation.environmentId, homesOf(operation).newHomeId),
    run: () => Promise.resolve(),
    undo: (context) => {
      const { environmentId } = context.operation
      store.db.transaction(() => store.environments.setHome(environmentId, homesOf(context.operation).oldHomeId))
      return Promise.resolve()
    },
  }
}

function removeOldHome(toolkit: Toolkit): Step {
  const { store, clock, drivers, deadlines } = toolkit
  return {
    name: LAST_STEP,
    phase: null,
    deadlineMs: deadlines.homeMs,
    isCancellable: false,
    isForwardOnly: true,
    run: async ({ operation }) => {
      const { oldHomeId } = homesOf(operation)
      const environment = environmentOf(toolkit, operation)
      if (store.environments.homesOf(environment.id).includes(oldHomeId)) {
        await drivers.of(environment).destroyHome(oldHomeId)
        store.db.transaction(() => {
          store.environments.setHomeRemoved(oldHomeId, clock.now())
          record(toolkit, operation, { outcome: 'destroyed_old_home', detail: { homeId: oldHomeId } })
        })
      }
      await noticeEarlyEnd(toolkit, operation)
    },
  }
}

interface Said {
  readonly outcome: string
  readonly detail: Readonly<Record<string, unknown>>
}

function record({ store, clock }: Toolkit, operation: StoredOperation, said: Said): void {
  const { id: operationId, environmentId, actor, requestId, kind: action } = operation
  store.activity.append({ at: clock.now(), actor, requestId, operationId, environmentId, action, ...said })
}

function recordMissingGuest(toolkit: Toolkit, operation: StoredOperation): void {
  const { observed } = environmentOf(toolkit, operation)
  record(toolkit, operation, { outcome: 'continued_without_guest', detail: { observed: observed.kind } })
}

/** Every failure says which home there is: as long as the old one has not begun to go, it is whole. */
function describeResetFailure(toolkit: Toolkit): OperationDefinition['describeFailure'] {
  const describe = describeFailure(toolkit.logger)
  return (error, operation) => {
    const failure = describe(error, operation).toFailure()
    const { oldHomeId, newHomeId } = homesOf(operation)
    const isLast = operation.step === LAST_STEP
    const fate = isLast
      ? `The environment runs on its new home, ${newHomeId}; the old one, ${oldHomeId}, could not be removed.`
      : `Its old home, ${oldHomeId}, is kept whole.`
    const details = { ...failure.details, oldHomeId, newHomeId }
    return PilothouseError.fromFailure({ ...failure, message: `${failure.message} ${fate}`, details }, error)
  }
}

/** A guest that is ready on its new home stays so, also where the old home could not be removed. */
function settleReset(toolkit: Toolkit, operation: StoredOperation, outcome: Outcome): void {
  const isUp = operation.step === LAST_STEP
  settleStart(toolkit, operation, isUp ? { kind: 'succeeded' } : outcome)
  const isClean = outcome.kind === 'cancelled' || (outcome.kind === 'failed' && outcome.isRolledBack)
  const { newHomeId } = homesOf(operation)
  if (isClean) toolkit.store.environments.setHomeRemoved(newHomeId, toolkit.clock.now())
}
