import type { Clock, RandomSource } from '../../src-shared/lib/clock.ts'
import type { Turns } from '../operations/turns.ts'
import type { Store } from '../store/store.ts'
import type { Logger } from '../system/logger.ts'
import type { BootAges } from './boot-ages.ts'
import type { DriverSet } from './driver-set.ts'
import type { HomeProtection } from './home-protection.ts'

/** How long things may take, in milliseconds. */
export interface EnvironmentDeadlines {
  /** A home to be made, inspected or removed. */
  readonly homeMs: number
  /** From the start of the guest to ready, in real time; waiting for a turn before it does not count. */
  readonly startMs: number
  /** The guest's own power-off, before force. */
  readonly stopGraceMs: number
  /** The forced end. */
  readonly stopForceMs: number
  /** Waiting for a turn to start. */
  readonly queueMs: number
}

/** What the commands on environments are made of. */
export interface Toolkit {
  readonly store: Store
  readonly clock: Clock
  readonly random: RandomSource
  readonly logger: Logger
  readonly drivers: DriverSet
  /** Who may start a guest now. */
  readonly turns: Turns
  readonly deadlines: EnvironmentDeadlines
  readonly bootAges: BootAges
  readonly protection: HomeProtection
}
