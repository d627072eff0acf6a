import { PilothouseError } from '../../src-shared/error.ts'
import { environmentNameSchema, ownerNameSchema, type OperationId } from '../../src-shared/model/ids.ts'
import { awaitSlot } from '../backups/backup-steps.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { assertMemory } from '../environments/bring-up.ts'
import { environmentOf } from '../environments/environment-of.ts'
import { describeFailure } from '../environments/failures.ts'
import { recordRollback } from '../operations/record-rollback.ts'
import type { OperationDefinition, Step, StepContext } from '../operations/step.ts'
import type { InsertLimits } from '../store/environments-table.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { addChecks, drillResultOf, hasFailedCheck, recordCheck } from './drill-checks.ts'
import { askGuest } from './drill-guest.ts'
import { promote, promotionOf } from './drill-promote.ts'
import { recordDrill, settleDrill } from './drill-record.ts'
import { takeSample, type SampledFile } from './drill-sample.ts'
import { shownPath } from './files-paths.ts'
import { checkPoint, fillFromPoint, pointOf, verifyFilled, withinSize } from './fill-home-steps.ts'
import { renewIdentity } from './identity-step.ts'
import { cleanUp, makeScratch, scratchOf, scratchParamsSchema } from './scratch-steps.ts'
import { untilLetGo } from './until-let-go.ts'

const drillParamsSchema = scratchParamsSchema.extend({
  promoteName: environmentNameSchema.nullable(),
  promoteOwner: ownerNameSchema.nullable(),
})

/** What a running drill knows of its home, from the restore on; lost with the daemon. */
interface Remembered {
  removedEntries: number
  sample: readonly SampledFile[]
  bootedAt: number
}
type Known = Map<OperationId, Remembered>

/**
 * Restores a point into a scratch guest without network, boots it, holds it against the point, and removes it, whatever
 * comes of it. A check that fails is the drill's answer: what comes after it is left out, the answer is recorded, and
 * the operation fails with `drill_failed`. What keeps the host from drilling is no answer, and recorded as none.
 */
export function drillOperation(recovery: RecoveryToolkit, limits: InsertLimits): OperationDefinition {
  const known: Known = new Map()
  return {
    kind: 'drill',
    claim: { mode: 'shared', resource: 'repository' },
    steps: [
      awaitSlot(recovery),
      checkPoint(recovery, (operation) => pointOf(recovery, operation)),
      // While it waited it counted for nothing: others may have come up since it was accepted.
      makeScratch(recovery, (operation) => assertMemory(recovery, environmentOf(recovery, operation), limits.capacity)),
      untilLetGo(restore(recovery, known)),
      untilLetGo(newIdentity(recovery, known)),
      untilLetGo(verify(recovery, known)),
      bootScratch(recovery, known),
      checkGuest(recovery, known),
      { ...plain('record'), isCancellable: false, run: ({ operation }) => recordDrill(recovery, operation) },
      finish(recovery, limits),
    ],
    params: drillParamsSchema,
    retry: null,
    describeFailure: describeFailure(recovery.logger),
    settle: (operation, outcome) => {
      known.delete(operation.id)
      settleDrill(recovery, operation, outcome)
    },
    recordAs: recordRollback,
  }
}

const MOST_SHOWN = 10
const plain = (name: string) => ({ name, phase: null, deadlineMs: null, isCancellable: true })

/** Of a drill in which no check has failed yet. */
function unlessFailed(recovery: RecoveryToolkit, run: (context: StepContext) => Promise<void>): Step['run'] {
  return async (context) => {
    if (!hasFailedCheck(drillResultOf(recovery, context.operation))) await run(context)
  }
}

function restore(recovery: RecoveryToolkit, known: Known): Step {
  const run = async (context: StepContext) => {
    const { operation } = context
    await recordCheck(recovery, { operation, name: 'restores' }, async () => {
      await fillFromPoint(recovery, scratchOf(recovery, operation), { context })
      return 'The whole point was restored into an empty home.'
    })
    known.set(operation.id, { removedEntries: 0, sample: [], bootedAt: 0 })
  }
  return { ...plain('restore'), run: unlessFailed(recovery, run) }
}

/** Throws where the daemon has been restarted meanwhile: the drill is undone, and can be begun again. */
function recall(known: Known, { id }: StoredOperation): Remembered {
  const found = known.get(id)
  if (found !== undefined) return found
  const message = 'The daemon was restarted in the middle of the drill; it says nothing of the point.'
  throw new PilothouseError('engine_failed', message, { hint: 'Start the drill again.', retryable: true })
}

/** Only where the guest is to be kept: one that is removed may be whoever it was. */
function newIdentity(recovery: RecoveryToolkit, known: Known): Step {
  const run = async ({ operation, signal }: StepContext) => {
    if (promotionOf(operation) === null) return
    const remembered = recall(known, operation)
    const fill = scratchOf(recovery, operation)
    const record = (paths: readonly string[]) => {
      remembered.removedEntries = paths.length
      const shown = paths.slice(0, MOST_SHOWN).map(shownPath).join(', ')
      const detail = `${paths.length} files of the source's identity were removed${shown === '' ? '' : `: ${shown}`}.`
      return addChecks(recovery, operation, [{ name: 'new identity', isPassed: true, detail }])
    }
    await renewIdentity(recovery, { fill, image: fill.spec.image, before: [], signal, record })
  }
  return { ...plain('new_identity'), run: unlessFailed(recovery, run) }
}

function verify(recovery: RecoveryToolkit, known: Known): Step {
  const run = async ({ operation, signal }: StepContext) => {
    const remembered = recall(known, operation)
    const scratch = scratchOf(recovery, operation)
    const { point } = scratch
    await recordCheck(recovery, { operation, name: 'file system' }, async () => {
      const verified = await withinSize(recovery, { point, signal }, (bounded) => {
        const look = async ({ path }: { readonly path: string }) => {
          remembered.sample = await takeSample(path, point.id, bounded)
        }
        return verifyFilled(recovery, scratch, { ...remembered, signal: bounded, look })
      })
      return verified.join(' ')
    })
  }
  return { ...plain('verify'), run: unlessFailed(recovery, run) }
}

function bootScratch(recovery: RecoveryToolkit, known: Known): Step {
  const { clock, turns, deadlines } = recovery
  const run = async ({ operation, signal }: StepContext) => {
    const remembered = recall(known, operation)
    const { driver, spec, record } = scratchOf(recovery, operation)
    const turn = await turns.take(signal)
    try {
      await recordCheck(recovery, { operation, name: 'boots' }, async () => {
        remembered.bootedAt = clock.now()
        const startedMs = clock.monotonicMs()
        await driver.startGuest(spec, record, signal)
        await driver.waitUntilReady(record, deadlines.startMs, signal)
        const seconds = ((clock.monotonicMs() - startedMs) / 1000).toFixed(1)
        return `The guest was ready ${seconds} s after its start, without network.`
      })
    } finally {
      turn.dispose()
    }
  }
  return { ...plain('boot_scratch'), run: unlessFailed(recovery, run) }
}

function checkGuest(recovery: RecoveryToolkit, known: Known): Step {
  const run = async ({ operation, signal }: StepContext) => {
    const { removedEntries, ...seen } = recall(known, operation)
    const { driver, record, spec, point } = scratchOf(recovery, operation)
    const { check } = await recovery.recoveryOf(spec.image)
    const evidence = { ...seen, entries: point.entries - removedEntries }
    const question = { driver, record, check, signal, evidence }
    await addChecks(recovery, operation, await askGuest(question))
  }
  return { ...plain('check_guest'), run: unlessFailed(recovery, run) }
}

/** Nothing of the scratch guest is left, but for its home where that is to be kept. */
function finish(recovery: RecoveryToolkit, limits: InsertLimits): Step {
  const step = cleanUp(recovery)
  const { stopGraceMs, homeMs, stopForceMs } = recovery.deadlines
  return {
    ...step,
    deadlineMs: stopGraceMs + homeMs + stopForceMs,
    run: async (context) => {
      const promotion = promotionOf(context.operation)
      if (promotion === null) await step.run(context)
      else await promote(recovery, limits, { operation: context.operation, promotion })
    },
  }
}
