import type { Clock } from '../../src-shared/lib/clock.ts'
import type { Disposable } from '../../src-shared/lib/disposable.ts'
import { openJournal, watchJournal, type JournalFile } from '../system/journal-files.ts'

/** How often a journal is looked at where the kernel said nothing, in milliseconds. */
const LOOK_INTERVAL_MS = 250

/** One boot's journal file, shared by all its viewers: one descriptor, one watch, one timer. */
export class BootJournal {
  private readonly path: string
  private readonly clock: Clock
  private readonly listeners = new Set<() => void>()
  private file: Promise<JournalFile | undefined> | undefined
  private watch: Disposable | undefined
  private looking: AbortController | undefined

  constructor(path: string, clock: Clock) {
    this.path = path
    this.clock = clock
  }

  get isIdle(): boolean {
    return this.listeners.size === 0
  }

  /** Calls `onGrowth` whenever there may be more to read, until disposed. */
  follow(onGrowth: () => void): Disposable {
    this.listeners.add(onGrowth)
    if (this.looking === undefined) void this.lookFromTimeToTime()
    return {
      dispose: () => {
        this.listeners.delete(onGrowth)
        if (this.listeners.size === 0) this.letGo()
      },
    }
  }

  /** Fills `target` from the byte at `offset`; fewer bytes, or 0, where the journal ends for now. */
  async read(target: Uint8Array, offset: number): Promise<number> {
    const file = await this.opened()
    return file === undefined ? 0 : await file.read(target, offset)
  }

  private async opened(): Promise<JournalFile | undefined> {
    this.file ??= openJournal(this.path)
    const attempt = this.file
    const file = await attempt.catch((error: unknown) => {
      this.file = undefined
      throw error
    })
    // The guest may not have been started yet; the next look tries again.
    if (file === undefined && this.file === attempt) this.file = undefined
    else if (!this.isIdle) this.watch ??= watchJournal(this.path, () => this.notify())
    return file
  }

  private notify(): void {
    for (const listener of this.listeners) listener()
  }

  private async lookFromTimeToTime(): Promise<void> {
    this.looking = new AbortController()
    const { signal } = this.looking
    try {
      for (;;) {
        await this.clock.sleep(LOOK_INTERVAL_MS, signal)
        this.notify()
      }
    } catch {
      // The last viewer has left.
    }
  }

  private letGo(): void {
    this.looking?.abort()
    this.looking = undefined
    this.watch?.dispose()
    this.watch = undefined
    const file = this.file
    this.file = undefined
    void file?.then((open) => open?.close()).catch(() => undefined)
  }
}
