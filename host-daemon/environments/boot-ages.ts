import type { Clock } from '../../src-shared/lib/clock.ts'
import type { BootId, EnvironmentId } from '../../src-shared/model/ids.ts'
import type { Boot } from '../store/boots-table.ts'

/** Of a deadline, a guest that an earlier daemon started is left this part at least, whatever the clocks say. */
const LEAST_PART = 0.5
const LEAST_MS = 1_000

interface Began {
  readonly bootId: BootId
  readonly real: number
}

/**
 * How much of the time to be ready a boot has left. Of those that this daemon began it is measured in real time, which no
 * setting of the host's clock touches. Of others only the time on record is known, by a clock that may have been set
 * since: they are left half of the deadline at least, and never more than the whole.
 */
export class BootAges {
  private readonly clock: Clock
  /** Of each environment the newest. */
  private readonly begun = new Map<EnvironmentId, Began>()

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** To be called when the boot is recorded. */
  begin(environmentId: EnvironmentId, bootId: BootId): void {
    this.begun.set(environmentId, { bootId, real: this.clock.monotonicMs() })
  }

  /** In milliseconds; at least one second, so that a guest that is ready can say so. */
  leftMs({ id, environmentId, startedAt }: Boot, deadlineMs: number): number {
    const began = this.begun.get(environmentId)
    if (began?.bootId === id)
      return Math.max(LEAST_MS, Math.round(deadlineMs - (this.clock.monotonicMs() - began.real)))
    const spentMs = Math.max(0, this.clock.now() - startedAt)
    return Math.max(LEAST_MS, Math.round(deadlineMs * LEAST_PART), deadlineMs - spentMs)
  }

  /** Nobody waits for the guest any more. */
  forget(environmentId: EnvironmentId): void {
    this.begun.delete(environmentId)
  }
}
