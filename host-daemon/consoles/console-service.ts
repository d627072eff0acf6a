import type { ConsoleTarget } from '../../src-shared/contract/console-stream.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Clock } from '../../src-shared/lib/clock.ts'
import { DisposableStore, type Disposable } from '../../src-shared/lib/disposable.ts'
import type { ConsoleBoot } from '../../src-shared/model/console.ts'
import type { BootId } from '../../src-shared/model/ids.ts'
import type { Caller } from '../server/caller.ts'
import { journalFacts } from '../system/journal-files.ts'
import type { BootDirectory, JournalBoot } from './boot-directory.ts'
import { BootInputs } from './boot-inputs.ts'
import { BootJournal } from './boot-journal.ts'
import { consoleBootOf } from './console-boot.ts'
import type { ConsoleOutlet } from './console-session.ts'
import { firstKeptOffset } from './gaps.ts'
import { TypingLeases, type TypingEvent } from './typing-leases.ts'
import { ConsoleViewer } from './console-viewer.ts'

export interface ConsoleServiceOptions {
  readonly directory: BootDirectory
  readonly clock: Clock
  /** Called for every change of hands of a keyboard. */
  recordTyping(event: TypingEvent): void
}

/** The consoles of this host's guests: who watches which boot, and who types. */
export class ConsoleService implements Disposable {
  private readonly options: ConsoleServiceOptions
  private readonly journals = new Map<BootId, BootJournal>()
  private readonly viewers = new Set<ConsoleViewer>()
  private readonly inputs: BootInputs
  private readonly leases: TypingLeases
  private readonly disposables = new DisposableStore()

  constructor(options: ConsoleServiceOptions) {
    this.options = options
    this.inputs = new BootInputs(options.directory)
    this.leases = new TypingLeases(options.clock, (event) => options.recordTyping(event))
    this.disposables.defer(() => this.inputs.closeAll())
    this.disposables.add(options.directory.onBootChanged((boot) => this.bootChanged(boot)))
  }

  /** Rejects with `not_found` or `invalid_request`; the viewer is served until it is closed. */
  async open(target: ConsoleTarget, caller: Caller, outlet: ConsoleOutlet): Promise<ConsoleViewer> {
    const boot = this.bootFor(target)
    const description = await describeBoot(boot)
    const offset = target.offset ?? firstKeptOffset(description.gaps)
    if (offset > description.endOffset) throw beyondEnd(offset, description)
    const { directory, clock } = this.options
    const journal = this.journalOf(boot)
    const viewer = new ConsoleViewer({
      session: { boot, offset, journal, directory, outlet, clock, describe: describeBoot },
      description,
      caller,
      leases: this.leases,
      inputs: this.inputs,
    })
    this.viewers.add(viewer)
    viewer.onClosed(() => this.viewers.delete(viewer))
    return viewer
  }

  dispose(): void {
    for (const viewer of this.viewers) viewer.close()
    this.disposables.dispose()
  }

  private bootFor({ environment, bootId }: ConsoleTarget): JournalBoot {
    const { directory } = this.options
    const environmentId = directory.resolve(environment)
    const boots = directory.bootsOf(environmentId)
    const boot = bootId === undefined ? boots[0] : boots.find((candidate) => candidate.bootId === bootId)
    if (boot !== undefined) return boot
    const says = bootId === undefined ? 'has not been started yet' : `has no boot ${bootId}`
    throw new PilothouseError('not_found', `The environment ${environment} ${says}.`, {
      hint: 'List the boots whose journals are kept (consoles.boots).',
    })
  }

  private journalOf({ bootId, journalPath }: JournalBoot): BootJournal {
    for (const [id, journal] of this.journals) if (journal.isIdle) this.journals.delete(id)
    const journal = this.journals.get(bootId) ?? new BootJournal(journalPath, this.options.clock)
    this.journals.set(bootId, journal)
    return journal
  }

  private bootChanged(boot: JournalBoot): void {
    if (boot.endedAt !== null) this.inputs.close(boot.bootId)
    for (const viewer of this.viewers) if (viewer.environmentId === boot.environmentId) viewer.bootChanged()
  }
}

/** What the contract says of a boot; the end is where the file ends now. */
export async function describeBoot(boot: JournalBoot): Promise<ConsoleBoot> {
  const facts = await journalFacts(boot.journalPath)
  return consoleBootOf(boot, facts?.sizeBytes ?? 0)
}

function beyondEnd(offset: number, { endOffset }: ConsoleBoot): PilothouseError {
  return new PilothouseError('invalid_request', `Offset ${offset} is beyond the journal's end at ${endOffset}.`, {
    hint: 'Open the console without an offset to read it from its first byte.',
    details: { offset, endOffset },
  })
}
