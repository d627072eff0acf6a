import { z } from 'zod'
import { bootIdSchema, homeIdSchema, recoveryPointIdSchema } from '../../src-shared/model/ids.ts'
import type { RandomSource } from '../../src-shared/lib/clock.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import type { BootRecord, BootSpec, VmDriver } from '../drivers/vm-driver.ts'
import { environmentOf } from '../environments/environment-of.ts'
import type { Step } from '../operations/step.ts'
import type { OperationParams, StoredOperation } from '../store/operation-row.ts'
import { removeJournal } from '../system/journal-files.ts'
import { assertDiskTakesPoint, pointOf, type HomeFill } from './fill-home-steps.ts'
import { untilLetGo } from './until-let-go.ts'

/** What a scratch home and its guest go by, decided at acceptance. */
export const scratchParamsSchema = z.object({
  pointId: recoveryPointIdSchema,
  scratchHomeId: homeIdSchema,
  scratchBootId: bootIdSchema,
})

export function scratchParams(random: RandomSource, pointId: string): OperationParams {
  return { pointId, scratchHomeId: `home-${random.hex(8)}`, scratchBootId: `boot-${random.hex(8)}` }
}

/**
 * A home beside the environment's own that is gone again when the operation has ended, and the guest that it may get.
 */
export interface Scratch extends HomeFill {
  readonly spec: BootSpec
  readonly record: BootRecord
}

/** Pure but for the record. The guest gets no network, and nothing is told to it: what a start-up does is done once. */
export function scratchOf(recovery: RecoveryToolkit, operation: StoredOperation): Scratch {
  const { scratchHomeId: homeId, scratchBootId: bootId } = scratchParamsSchema.parse(operation.params)
  const environment = environmentOf(recovery, operation)
  const { id: environmentId, image, size, guestUid } = environment
  const driver = recovery.drivers.of(environment)
  const point = pointOf(recovery, operation)
  const spec = { environmentId, bootId, homeId, image, size, guestUid, startup: null, isIsolated: true }
  return { driver, homeId, sizeMiB: point.homeMiB, point, spec, record: driver.planBoot(spec) }
}

/**
 * Makes the scratch home; the means to remove it and all that comes of it are durable before it exists. `admit` has a
 * last look in the transaction from which on it counts, and refuses it by throwing.
 */
export function makeScratch(recovery: RecoveryToolkit, admit?: (operation: StoredOperation) => void): Step {
  const { store, clock, deadlines } = recovery
  const insert = (operation: StoredOperation, { driver, homeId, record }: Scratch) => {
    const { id: operationId, environmentId } = operation
    if (store.scratchGuests.of(operationId) !== undefined) return
    admit?.(operation)
    const { kind } = driver
    store.scratchGuests.insert({
      operationId,
      environmentId,
      driver: kind,
      homeId,
      record,
      createdAt: clock.now(),
    })
  }
  return untilLetGo({
    name: 'make_scratch',
    phase: null,
    deadlineMs: deadlines.homeMs,
    isCancellable: true,
    run: async ({ operation, signal }) => {
      const scratch = scratchOf(recovery, operation)
      await assertDiskTakesPoint(recovery, scratch)
      await store.db.together(() => insert(operation, scratch))
      signal.throwIfAborted()
      await scratch.driver.createHome(scratch.homeId, scratch.sizeMiB, signal)
    },
    undo: ({ operation }) => removeScratch(recovery, operation),
    undoDeadlineMs: deadlines.homeMs + deadlines.stopForceMs,
  })
}

/** The last of an operation that used one: nothing of it is left. */
export function cleanUp(recovery: RecoveryToolkit): Step {
  const { homeMs, stopForceMs } = recovery.deadlines
  return {
    name: 'clean_up',
    phase: null,
    deadlineMs: homeMs + stopForceMs,
    isCancellable: false,
    run: ({ operation }) => removeScratch(recovery, operation),
  }
}

/** Idempotent, and by the record alone: also after a crash, and whatever has become of the environment since. */
export async function removeScratch(recovery: RecoveryToolkit, operation: Pick<StoredOperation, 'id'>): Promise<void> {
  const { store, clock } = recovery
  const scratch = store.scratchGuests.of(operation.id)
  if (scratch === undefined) return
  const driver = recovery.drivers.of(scratch)
  await endScratchGuest(recovery, { driver, record: scratch.record, graceMs: 0 })
  await driver.destroyHome(scratch.homeId)
  await removeJournal(scratch.record.journalPath)
  await store.db.together(() => store.scratchGuests.setRemoved(operation.id, clock.now()))
}

interface Ending {
  readonly driver: VmDriver
  readonly record: BootRecord
  readonly graceMs: number
}

export async function endScratchGuest(
  { deadlines }: RecoveryToolkit,
  { driver, record, graceMs }: Ending,
): Promise<void> {
  await driver.stopGuest(record, { graceMs, forceMs: deadlines.stopForceMs })
}
