import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import type { ScratchGuest } from '../store/scratch-guests-table.ts'

/**
 * Takes scratch guests off the record whose operations have ended without doing so, once they are positively gone: their
 * memory is free from then on. A home that is left is found on the host itself, as drift. One that cannot be looked at is
 * logged, and keeps none of the others from being looked at.
 */
export async function forgetGoneScratches(recovery: RecoveryToolkit): Promise<void> {
  for (const scratch of recovery.store.scratchGuests.left()) {
    const { operationId, record } = scratch
    await forgetIfGone(recovery, scratch).catch((err: unknown) => {
      const about = { err, operationId, bootId: record.bootId }
      recovery.logger.warn(about, 'What a drill has left could not be looked at')
    })
  }
}

async function forgetIfGone({ store, drivers, clock }: RecoveryToolkit, scratch: ScratchGuest): Promise<void> {
  const { kind } = await drivers.of(scratch).inspectGuest(scratch.record)
  if (kind !== 'gone') return
  await store.db.together(() => store.scratchGuests.setGuestGone(scratch.record.bootId, clock.now()))
}
