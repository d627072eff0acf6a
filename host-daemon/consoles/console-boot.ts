import type { ConsoleBoot } from '../../src-shared/model/console.ts'
import type { JournalBoot } from './boot-directory.ts'
import { endOffsetOf, normaliseGaps } from './gaps.ts'

/** What the contract says of a boot. */
export function consoleBootOf(boot: JournalBoot, fileBytes: number): ConsoleBoot {
  const { bootId, environmentId, ordinal, startedAt, endedAt } = boot
  const gaps = normaliseGaps(boot.gaps)
  return { bootId, environmentId, ordinal, startedAt, endedAt, endOffset: endOffsetOf(gaps, fileBytes), gaps }
}
