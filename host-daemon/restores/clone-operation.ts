import { z } from 'zod'
import { environmentIdSchema, recoveryPointIdSchema } from '../../src-shared/model/ids.ts'
import type { OperationResult } from '../../src-shared/model/operation-result.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { environmentOf } from '../environments/environment-of.ts'
import { describeFailure } from '../environments/failures.ts'
import { settleStart } from '../environments/settle-start.ts'
import { bringUp, START_STEP, type StartOptions } from '../environments/start-operations.ts'
import { awaitTurn } from '../environments/start-steps.ts'
import { recordRollback } from '../operations/record-rollback.ts'
import type { OperationDefinition, Outcome, Step } from '../operations/step.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import {
  assertDiskTakesPoint,
  checkPoint,
  fillHome,
  pointOf,
  verifyFilled,
  withinSize,
  type HomeFill,
} from './fill-home-steps.ts'
import { renewIdentity } from './identity-step.ts'
import { untilLetGo } from './until-let-go.ts'

/** Decided at acceptance. */
const cloneParamsSchema = z.object({ pointId: recoveryPointIdSchema, sourceId: environmentIdSchema })

/**
 * A new environment whose home is filled with a point of another before its first start, without what said who that one
 * was. Whatever fails before it is ready leaves nothing of it, as a cancelled spawn does.
 */
export function cloneOperation(recovery: RecoveryToolkit, { maxAttempts }: StartOptions): OperationDefinition {
  return {
    kind: 'clone',
    claim: { mode: 'exclusive', resource: 'guest', isDisplacing: false },
    steps: [
      { ...checkPoint(recovery, (operation) => pointOf(recovery, operation)), phase: 'requested' },
      untilLetGo(makeHome(recovery)),
      fillHome(recovery, (operation) => fillOf(recovery, operation)),
      untilLetGo(newIdentity(recovery)),
      untilLetGo(verify(recovery)),
      // The phase has been further already, and never goes back.
      { ...awaitTurn(recovery), phase: null },
      ...bringUp(recovery),
    ],
    params: cloneParamsSchema,
    retry: { from: START_STEP, maxAttempts },
    describeFailure: describeFailure(recovery.logger),
    settle: (operation, outcome) => settle(recovery, operation, outcome),
    recordAs: recordRollback,
  }
}

function fillOf(recovery: RecoveryToolkit, operation: StoredOperation): HomeFill {
  const environment = environmentOf(recovery, operation)
  const { id: homeId, sizeMiB } = environment.home
  return { driver: recovery.drivers.of(environment), homeId, sizeMiB, point: pointOf(recovery, operation) }
}

function makeHome(recovery: RecoveryToolkit): Step {
  const { store, clock, deadlines } = recovery
  return {
    name: 'make_home',
    phase: 'provisioning_vm',
    deadlineMs: deadlines.homeMs,
    isCancellable: true,
    enter: (operation) => showProvisioning(recovery, operation),
    run: async ({ operation, signal }) => {
      const fill = fillOf(recovery, operation)
      await assertDiskTakesPoint(recovery, fill)
      await fill.driver.createHome(fill.homeId, fill.sizeMiB, signal)
    },
    undo: async ({ operation }) => {
      const { driver, homeId } = fillOf(recovery, operation)
      await driver.destroyHome(homeId)
      await store.db.together(() => store.environments.setHomeRemoved(homeId, clock.now()))
    },
    undoDeadlineMs: deadlines.homeMs,
  }
}

function showProvisioning(recovery: RecoveryToolkit, operation: StoredOperation): void {
  const { id, observed } = environmentOf(recovery, operation)
  if (observed.kind !== 'creating') return
  recovery.store.environments.setObserved(id, { ...observed, phase: 'provisioning_vm' }, recovery.clock.now())
}

function newIdentity(recovery: RecoveryToolkit): Step {
  return {
    name: 'new_identity',
    phase: null,
    deadlineMs: recovery.deadlines.homeMs,
    isCancellable: true,
    run: async ({ operation, signal }) => {
      const { image } = environmentOf(recovery, operation)
      const { removedIdentity: before } = resultOf(recovery, operation)
      const record = (paths: readonly string[]) => tell(recovery, operation, () => ({ removedIdentity: [...paths] }))
      await renewIdentity(recovery, { fill: fillOf(recovery, operation), image, before, signal, record })
    },
  }
}

/** From here on the home holds data, and counts as made. */
function verify(recovery: RecoveryToolkit): Step {
  const { store, clock } = recovery
  return {
    name: 'verify',
    phase: null,
    deadlineMs: null,
    isCancellable: true,
    run: async ({ operation, signal }) => {
      const fill = fillOf(recovery, operation)
      const removedEntries = resultOf(recovery, operation).removedIdentity.length
      const verified = await withinSize(recovery, { point: fill.point, signal }, (bounded) =>
        verifyFilled(recovery, fill, { signal: bounded, removedEntries }),
      )
      await tell(recovery, operation, () => {
        store.environments.setHomeMade(fill.homeId, clock.now())
        return { verified }
      })
    },
  }
}

type CloneResult = Extract<OperationResult, { kind: 'clone' }>

/** As last recorded. */
function resultOf({ store }: RecoveryToolkit, { id, params }: StoredOperation): CloneResult {
  const recorded = store.operations.find(id)?.result
  if (recorded?.kind === 'clone') return recorded
  return { kind: 'clone', ...cloneParamsSchema.parse(params), removedIdentity: [], verified: [] }
}

/** Durable when it resolves, with whatever `found` changes beside it. */
async function tell(
  recovery: RecoveryToolkit,
  operation: StoredOperation,
  found: () => Partial<Pick<CloneResult, 'removedIdentity' | 'verified'>>,
): Promise<void> {
  const { store } = recovery
  await store.db.together(() =>
    store.operations.setResult(operation.id, { ...resultOf(recovery, operation), ...found() }),
  )
}

/** Where something could not be undone, there is an environment that says so, and that can be destroyed. */
function settle(recovery: RecoveryToolkit, operation: StoredOperation, outcome: Outcome): void {
  const { store, clock } = recovery
  const isUndone = outcome.kind === 'cancelled' || (outcome.kind === 'failed' && outcome.isRolledBack)
  if (isUndone) store.environments.setDestroyed(operation.environmentId, clock.now())
  else settleStart(recovery, operation, outcome)
}
