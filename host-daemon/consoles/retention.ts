import type { Clock } from '../../src-shared/lib/clock.ts'
import type { ConsoleGap } from '../../src-shared/model/console.ts'
import { bootIdSchema } from '../../src-shared/model/ids.ts'
import {
  journalFacts,
  listJournals,
  punchStart,
  removeJournal,
  spaceOf,
  type JournalFacts,
} from '../system/journal-files.ts'
import type { Logger } from '../system/logger.ts'
import { repeat } from '../system/repeat.ts'
import type { BootDirectory, JournalBoot } from './boot-directory.ts'
import { endOffsetOf } from './gaps.ts'

/** How often the journals are looked at, in milliseconds; the space's reserve covers what comes in between. */
const LOOK_INTERVAL_MS = 250
/**
 * Every so many looks all journals are looked at, not those alone that are being written. In a plain folder only a
 * round tells how full it is.
 */
const LOOKS_PER_ROUND = { bounded: 40, plain: 4 }
/** Holes are made of whole blocks. */
const BLOCK_BYTES = 4096
/** Of its share a journal keeps this much when it is cut, so that it is not cut again at once. */
const KEPT_FRACTION = 7 / 8
/** Below this fraction of free space journals give way, until there is that fraction again. */
const LOW_FRACTION = 1 / 4
const ENOUGH_FRACTION = 3 / 8
/** So little is left that a guest's write may have failed. */
const EXHAUSTED_BYTES = 64 * 1024

export interface RetentionOptions {
  readonly directory: BootDirectory
  readonly journalDirectory: string
  /** Most bytes of one boot that are kept. */
  readonly bytesPerBoot: number
  /** Whether the journals have a file system of their own; its size counts then, and not `spaceBytes`. */
  readonly isBounded: boolean
  /** Most bytes of all journals in a plain folder. */
  readonly spaceBytes: number
  readonly clock: Clock
  readonly logger: Logger
}

interface Journal {
  readonly path: string
  readonly facts: JournalFacts
  /** Undefined for a journal that no boot owns any more: its environment was destroyed. */
  readonly boot: JournalBoot | undefined
}

/**
 * Keeps the journals within their space. What is given up is recorded as a gap first, and only then freed, so that
 * whoever reads knows what is missing. Ended boots go whole, oldest first; live ones lose their oldest bytes.
 */
export class Retention {
  private readonly options: RetentionOptions
  private readonly stopped = new AbortController()
  private readonly unpunchable = new Set<string>()
  private looks = 0
  private running: Promise<void> = Promise.resolve()

  constructor(options: RetentionOptions) {
    this.options = options
  }

  /** From now on looks again and again. */
  start(): void {
    const { clock, logger } = this.options
    const loop = { clock, logger, intervalMs: LOOK_INTERVAL_MS, signal: this.stopped.signal, name: 'console retention' }
    this.running = repeat(() => this.look(), loop)
  }

  /** Resolves when the last look is over. */
  async stop(): Promise<void> {
    this.stopped.abort()
    await this.running
  }

  /** One look. The first one of a daemon marks what a flood did while there was none. */
  async look(): Promise<void> {
    await this.markExhaustion()
    const isRound = this.looks++ % (this.options.isBounded ? LOOKS_PER_ROUND.bounded : LOOKS_PER_ROUND.plain) === 0
    const journals = isRound ? await this.allJournals() : await this.liveJournals()
    for (const journal of journals) await this.keepWithin(journal, this.options.bytesPerBoot)
    const missingBytes = await this.missingBytes(isRound ? journals : undefined)
    if (missingBytes > 0) await this.makeRoom(missingBytes)
  }

  /** A write that found no space is lost without a trace in the file: nobody knows how much was. */
  private async markExhaustion(): Promise<void> {
    const { directory, journalDirectory, logger } = this.options
    const { freeBytes } = await spaceOf(journalDirectory)
    if (freeBytes > EXHAUSTED_BYTES) return
    for (const boot of directory.liveBoots()) {
      const facts = await journalFacts(boot.journalPath)
      const offset = facts?.sizeBytes ?? 0
      const isMarked = boot.gaps.some((gap) => gap.length === null && gap.offset === offset)
      if (isMarked || facts === undefined) continue
      directory.recordGap(boot.bootId, { offset, length: null, reason: 'space_exhausted' })
      logger.warn({ bootId: boot.bootId, offset }, 'The console space was full: bytes may have been lost here')
    }
  }

  private async liveJournals(): Promise<Journal[]> {
    const boots = this.options.directory.liveBoots()
    const journals = await Promise.all(boots.map((boot) => journalAt(boot.journalPath, boot)))
    return journals.filter((journal) => journal !== undefined)
  }

  private async allJournals(): Promise<Journal[]> {
    const { directory, journalDirectory } = this.options
    const files = await listJournals(journalDirectory)
    const journals = await Promise.all(
      files.map(async ({ bootName, path }) => {
        const bootId = bootIdSchema.safeParse(bootName)
        return bootId.success ? await journalAt(path, directory.boot(bootId.data)) : undefined
      }),
    )
    return journals.filter((journal) => journal !== undefined)
  }

  /** How much must be freed; 0 when there is room enough. Of a plain folder it is known in a round alone. */
  private async missingBytes(all: readonly Journal[] | undefined): Promise<number> {
    const { journalDirectory, spaceBytes, isBounded } = this.options
    if (isBounded) {
      const { totalBytes, freeBytes } = await spaceOf(journalDirectory)
      return freeBytes < totalBytes * LOW_FRACTION ? totalBytes * ENOUGH_FRACTION - freeBytes : 0
    }
    const usedBytes = sumOf((all ?? []).map((journal) => journal.facts.allocatedBytes))
    return usedBytes > spaceBytes * (1 - LOW_FRACTION) ? usedBytes - spaceBytes * (1 - ENOUGH_FRACTION) : 0
  }

  private async makeRoom(missingBytes: number): Promise<void> {
    const journals = await this.allJournals()
    let missing = missingBytes
    for (const journal of journals.filter(isOver).sort(oldestFirst)) {
      if (missing <= 0) return
      await this.drop(journal)
      missing -= journal.facts.allocatedBytes
    }
    const live = journals.filter((journal) => !isOver(journal))
    const keptBytes = sumOf(live.map((journal) => journal.facts.allocatedBytes)) - missing
    const shareBytes = fairShare(
      live.map((journal) => journal.facts.allocatedBytes),
      keptBytes,
    )
    if (missing > 0) for (const journal of live) await this.keepWithin(journal, shareBytes)
  }

  private async drop({ boot, path, facts }: Journal): Promise<void> {
    const length = boot === undefined ? 0 : endOffsetOf(boot.gaps, facts.sizeBytes)
    if (boot !== undefined && length > 0) this.record(boot, { offset: 0, length, reason: 'retention' })
    await removeJournal(path)
  }

  /** Gives up the oldest bytes of a journal that takes more than `bytes` on disk. */
  private async keepWithin({ boot, path, facts }: Journal, bytes: number): Promise<void> {
    if (boot === undefined || facts.allocatedBytes <= bytes || this.unpunchable.has(path)) return
    const cut = Math.floor((facts.sizeBytes - bytes * KEPT_FRACTION) / BLOCK_BYTES) * BLOCK_BYTES
    if (cut <= 0) return
    this.record(boot, { offset: 0, length: cut, reason: 'retention' })
    await punchStart(path, cut).catch((error: unknown) => {
      this.unpunchable.add(path)
      this.options.logger.error(
        { bootId: boot.bootId, err: error },
        'This journal cannot be cut; its file keeps growing',
      )
    })
  }

  private record(boot: JournalBoot, gap: ConsoleGap): void {
    this.options.directory.recordGap(boot.bootId, gap)
    this.options.logger.info({ bootId: boot.bootId, ...gap }, 'Old console bytes gave way')
  }
}

async function journalAt(path: string, boot: JournalBoot | undefined): Promise<Journal | undefined> {
  const facts = await journalFacts(path)
  return facts === undefined ? undefined : { path, facts, boot }
}

/** Nobody writes to it any more. */
function isOver({ boot }: Journal): boolean {
  return boot === undefined || boot.endedAt !== null
}

/** Journals of no boot first, then by when their boot ended. */
function oldestFirst(a: Journal, b: Journal): number {
  return (a.boot?.endedAt ?? 0) - (b.boot?.endedAt ?? 0)
}

/** The most that each may keep so that all together keep `totalBytes`: small ones are left as they are. */
export function fairShare(sizes: readonly number[], totalBytes: number): number {
  let left = Math.max(0, totalBytes)
  const rising = [...sizes].sort((a, b) => a - b)
  for (const [index, size] of rising.entries()) {
    const share = left / (rising.length - index)
    if (size > share) return share
    left -= size
  }
  return Number.POSITIVE_INFINITY
}

function sumOf(numbers: readonly number[]): number {
  return numbers.reduce((sum, number) => sum + number, 0)
}
