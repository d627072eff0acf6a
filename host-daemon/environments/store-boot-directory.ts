import { PilothouseError } from '../../src-shared/error.ts'
import type { Disposable } from '../../src-shared/lib/disposable.ts'
import type { ConsoleGap } from '../../src-shared/model/console.ts'
import type { BootId, EnvironmentId, EnvironmentRef } from '../../src-shared/model/ids.ts'
import type { BootDirectory, JournalBoot } from '../consoles/boot-directory.ts'
import type { ConsoleInput } from '../drivers/vm-driver.ts'
import type { Boot } from '../store/boots-table.ts'
import type { Store } from '../store/store.ts'
import type { DriverSet } from './driver-set.ts'
import { resolveRecorded } from './views.ts'

/** What the consoles need to know of boots, from the daemon's own record. */
export class StoreBootDirectory implements BootDirectory {
  private readonly store: Store
  private readonly drivers: DriverSet

  constructor(store: Store, drivers: DriverSet) {
    this.store = store
    this.drivers = drivers
  }

  /** Destroyed ones too, by id: the journal outlives the guest. */
  resolve(environment: EnvironmentRef): EnvironmentId {
    return resolveRecorded(this.store, environment)
  }

  bootsOf(environmentId: EnvironmentId): readonly JournalBoot[] {
    return this.store.boots.listOf(environmentId).map((boot) => this.describe(boot))
  }

  boot(bootId: BootId): JournalBoot | undefined {
    const boot = this.store.boots.find(bootId)
    return boot === undefined ? undefined : this.describe(boot)
  }

  liveBoots(): readonly JournalBoot[] {
    return this.store.boots.live().map((boot) => this.describe(boot))
  }

  onBootChanged(listener: (boot: JournalBoot) => void): Disposable {
    return this.store.db.onCommitted((change) => {
      for (const { kind, id } of change) {
        const boot = kind === 'boot' ? this.boot(id as BootId) : undefined
        if (boot !== undefined) listener(boot)
      }
    })
  }

  recordGap(bootId: BootId, gap: ConsoleGap): void {
    this.store.db.transaction(() => this.store.boots.putGap(bootId, gap))
  }

  async openInput(bootId: BootId): Promise<ConsoleInput> {
    const boot = this.store.boots.find(bootId)
    if (boot === undefined) throw new PilothouseError('not_found', `There is no boot ${bootId}.`)
    if (boot.endedAt !== null) throw guestGone()
    const environment = this.store.environments.find(boot.environmentId)
    if (environment === undefined) throw new PilothouseError('not_found', `There is no boot ${bootId}.`)
    const driver = this.drivers.of(environment)
    try {
      return await driver.openConsoleInput(boot.record)
    } catch (error) {
      const evidence = await driver.inspectGuest(boot.record)
      if (evidence.kind === 'gone') throw guestGone(error)
      throw new PilothouseError('engine_failed', 'The console cannot be typed into now.', { cause: error })
    }
  }

  private describe(boot: Boot): JournalBoot {
    const { id: bootId, environmentId, ordinal, startedAt, endedAt, record } = boot
    const { journalPath } = record
    return { bootId, environmentId, ordinal, startedAt, endedAt, journalPath, gaps: this.store.boots.gapsOf(bootId) }
  }
}

function guestGone(cause?: unknown): PilothouseError {
  return new PilothouseError('guest_gone', 'The guest of this boot has ended.', { cause })
}
