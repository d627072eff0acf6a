import type { Disposable } from '../../src-shared/lib/disposable.ts'
import type { ConsoleGap } from '../../src-shared/model/console.ts'
import type { BootId, EnvironmentId, EnvironmentRef } from '../../src-shared/model/ids.ts'
import type { ConsoleInput } from '../drivers/vm-driver.ts'

/** One boot's journal as the daemon's record knows it. */
export interface JournalBoot {
  readonly bootId: BootId
  readonly environmentId: EnvironmentId
  readonly ordinal: number
  readonly startedAt: number
  /** Null while the guest may still write. */
  readonly endedAt: number | null
  readonly journalPath: string
  /** In rising order of offset. */
  readonly gaps: readonly ConsoleGap[]
}

/** What the consoles need to know of environments; the truth behind it is the daemon's store. */
export interface BootDirectory {
  /** Throws `not_found`. */
  resolve(environment: EnvironmentRef): EnvironmentId
  /** Newest first; ended boots whose journal is kept included. */
  bootsOf(environmentId: EnvironmentId): readonly JournalBoot[]
  boot(bootId: BootId): JournalBoot | undefined
  /** Every boot that may still be written to. */
  liveBoots(): readonly JournalBoot[]
  /** Called after a boot's row has changed: started, ended or given a gap. */
  onBootChanged(listener: (boot: JournalBoot) => void): Disposable
  /** Durable before it returns. */
  recordGap(bootId: BootId, gap: ConsoleGap): void
  /** Rejects with `guest_gone` when the boot has ended. */
  openInput(bootId: BootId): Promise<ConsoleInput>
}
