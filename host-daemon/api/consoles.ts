import type { JournalBoot } from '../consoles/boot-directory.ts'
import { consoleBootOf } from '../consoles/console-boot.ts'
import { journalFacts } from '../system/journal-files.ts'
import type { Base } from './base.ts'
import type { Services } from './services.ts'

export function consoleHandlers(base: Base, { boots }: Services) {
  const describe = async (boot: JournalBoot) => {
    const facts = await journalFacts(boot.journalPath)
    return consoleBootOf(boot, facts?.sizeBytes ?? 0)
  }
  return {
    boots: base.consoles.boots.handler(({ input }) =>
      Promise.all(boots.bootsOf(boots.resolve(input.environment)).map(describe)),
    ),
  }
}
