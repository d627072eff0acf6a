import type { Clock, RandomSource } from '../../../src-shared/lib/clock.ts'
import type { ImageCatalogue } from '../../images/catalogue.ts'

/** Where a driver says what it cannot tell its caller: clean-ups that failed, probes and their reasons. */
export interface DriverLogger {
  info(facts: Record<string, unknown>, says: string): void
  warn(facts: Record<string, unknown>, says: string): void
}

export type AcceleratorChoice = 'auto' | 'tcg' | 'kvm'

export interface QemuDriverOptions {
  /**
   * Absolute folders. Guests reach what is theirs below them by path, under their own uid, so that every parent
   * must be searchable by others (mode o+x); the driver sees to the folders themselves.
   */
  readonly runDirectory: string
  readonly homesDirectory: string
  readonly journalDirectory: string
  readonly images: Pick<ImageCatalogue, 'resolve' | 'list'>
  readonly clock: Clock
  readonly random: RandomSource
  /** `auto` takes KVM where a probe guest has really booted with it. */
  readonly accelerator: AcceleratorChoice
  readonly logger: DriverLogger
  /** Found by its name unless an absolute path is given. */
  readonly qemuBinary?: string
  /** Under which uid the probe guest runs; nobody's (65534) unless told. */
  readonly probeUid?: number
}

/** Bounds of single exchanges with the engine, in milliseconds. */
export const DEADLINES = {
  /** From the start of the process until QMP answers. */
  engineAnswersMs: 20_000,
  qmpMs: 2_000,
  agentPingMs: 800,
  /** From SIGKILL of a failed start until the process is gone. */
  cleanUpMs: 10_000,
  programMs: 60_000,
  /** Checking or growing a home, which takes longer the more is in it. */
  homeProgramMs: 600_000,
} as const
