import { networkInterfaces } from 'node:os'
import type { Clock } from '../../src-shared/lib/clock.ts'

const LOOK_EVERY_MS = 3_000
/** A look that comes this late means that the machine slept. */
const SLEPT_MS = 15_000

/** The machine's addresses in one line; another line means another network. */
export function networkFingerprint(): string {
  const addresses = Object.values(networkInterfaces()).flatMap((list) => (list ?? []).map(({ cidr }) => cidr ?? ''))
  return addresses.sort().join(' ')
}

export interface WakeWatch {
  readonly clock: Clock
  /** Ends the watch. */
  readonly signal: AbortSignal
  readonly fingerprint: () => string
  /** The machine woke up, or its network changed. */
  readonly onWake: () => void
}

/** Looks every few seconds until `signal` ends it. Never rejects. */
export async function watchForWake({ clock, signal, fingerprint, onWake }: WakeWatch): Promise<void> {
  let seen = fingerprint()
  let lookedAt = clock.now()
  try {
    for (;;) {
      await clock.sleep(LOOK_EVERY_MS, signal)
      const now = clock.now()
      const found = fingerprint()
      if (found !== seen || now - lookedAt > SLEPT_MS) onWake()
      seen = found
      lookedAt = now
    }
  } catch {
    // Ended.
  }
}
