import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'

/**
 * Takes scratch guests off the record whose operations have ended without doing so, once they are positively gone: their
 * memory is free from then on. A home that is left is found on the host itself, as drift.
 */
export async function forgetGoneScratches({ store, drivers, clock }: RecoveryToolkit): Promise<void> {
  for (const scratch of store.scratchGuests.left()) {
    const seen = await drivers.of(scratch).inspectGuest(scratch.record)
    if (seen.kind !== 'gone') continue
    await store.db.together(() => store.scratchGuests.setGuestGone(scratch.record.bootId, clock.now()))
  }
}
