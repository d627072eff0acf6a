import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Disposable } from '../../src-shared/lib/disposable.ts'
import type { ConsoleGap } from '../../src-shared/model/console.ts'
import {
  bootIdSchema,
  environmentIdSchema,
  type BootId,
  type EnvironmentId,
  type EnvironmentRef,
} from '../../src-shared/model/ids.ts'
import type { BootDirectory, JournalBoot } from '../../host-daemon/consoles/boot-directory.ts'
import type { ConsoleInput } from '../../host-daemon/drivers/vm-driver.ts'

export const ENVIRONMENT_ID = environmentIdSchema.parse('env-00000001')

/** Boots in memory, journals in real files: what the consoles need, without the daemon behind it. */
export class FakeBoots implements BootDirectory {
  readonly typed: Buffer[] = []
  /** How often an input was opened. */
  inputsOpened = 0
  private readonly folder: string
  private readonly boots = new Map<BootId, JournalBoot>()
  private readonly listeners = new Set<(boot: JournalBoot) => void>()

  constructor(folder: string) {
    this.folder = folder
  }

  /** Starts a boot whose journal holds `content`. */
  async start(ordinal = 1, content: string | Uint8Array = ''): Promise<JournalBoot> {
    const bootId = bootIdSchema.parse(`boot-${ordinal.toString(16).padStart(16, '0')}`)
    const journalPath = join(this.folder, `${bootId}.log`)
    await mkdir(this.folder, { recursive: true })
    await writeFile(journalPath, content)
    const boot: JournalBoot = {
      bootId,
      environmentId: ENVIRONMENT_ID,
      ordinal,
      startedAt: ordinal,
      endedAt: null,
      journalPath,
      gaps: [],
    }
    return this.put(boot)
  }

  /** As the guest does. */
  async write({ journalPath }: JournalBoot, content: string | Uint8Array): Promise<void> {
    await appendFile(journalPath, content)
  }

  end(bootId: BootId, at = 1_000): JournalBoot {
    return this.put({ ...this.known(bootId), endedAt: at })
  }

  /** The environment was destroyed, and its boots with it. */
  forget(bootId: BootId): void {
    this.boots.delete(bootId)
  }

  resolve(environment: EnvironmentRef): EnvironmentId {
    if (environment === ENVIRONMENT_ID) return ENVIRONMENT_ID
    throw new PilothouseError('not_found', `There is no environment ${environment}.`)
  }

  bootsOf(environmentId: EnvironmentId): readonly JournalBoot[] {
    const own = [...this.boots.values()].filter((boot) => boot.environmentId === environmentId)
    return own.sort((a, b) => b.ordinal - a.ordinal)
  }

  boot(bootId: BootId): JournalBoot | undefined {
    return this.boots.get(bootId)
  }

  liveBoots(): readonly JournalBoot[] {
    return [...this.boots.values()].filter((boot) => boot.endedAt === null)
  }

  onBootChanged(listener: (boot: JournalBoot) => void): Disposable {
    this.listeners.add(listener)
    return { dispose: () => void this.listeners.delete(listener) }
  }

  recordGap(bootId: BootId, gap: ConsoleGap): void {
    const boot = this.known(bootId)
    const others = boot.gaps.filter((other) => other.offset !== gap.offset)
    this.put({ ...boot, gaps: [...others, gap].sort((a, b) => a.offset - b.offset) })
  }

  openInput(bootId: BootId): Promise<ConsoleInput> {
    if (this.known(bootId).endedAt !== null)
      return Promise.reject(new PilothouseError('guest_gone', 'The guest of this boot has ended.'))
    this.inputsOpened += 1
    return Promise.resolve({
      write: (bytes) => {
        this.typed.push(Buffer.from(bytes))
        return Promise.resolve()
      },
      close: () => undefined,
    })
  }

  private known(bootId: BootId): JournalBoot {
    const boot = this.boots.get(bootId)
    if (boot === undefined) throw new Error(`no boot ${bootId}`)
    return boot
  }

  private put(boot: JournalBoot): JournalBoot {
    this.boots.set(boot.bootId, boot)
    for (const listener of this.listeners) listener(boot)
    return boot
  }
}
