import type { ActivityVerdict } from '../../../src-shared/model/activity.ts'
import { countText } from '../../lib/format.ts'
import type { Shown } from '../../lib/tone.ts'

/** A verdict in icon, word and colour; its sentence is the verifier's own. */
export function verdictShown({ kind, brokenAt, says }: ActivityVerdict): Shown {
  const rest = { note: '', sentence: says }
  if (kind === 'intact') return { word: 'Intact', tone: 'ok', icon: 'i-lucide-shield-check', ...rest }
  if (kind === 'unanchored')
    return { word: 'Consistent, not anchored', tone: 'warn', icon: 'i-lucide-shield-question-mark', ...rest }
  const where = brokenAt === null ? '' : ` at entry ${countText(brokenAt)}`
  return { word: `Broken${where}`, tone: 'bad', icon: 'i-lucide-shield-x', ...rest }
}

/** `1 entry`, `4,120 entries`. */
export function entriesText(count: number): string {
  return `${countText(count)} ${count === 1 ? 'entry' : 'entries'}`
}
