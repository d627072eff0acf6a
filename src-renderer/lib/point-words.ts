import type { Consistency } from '../../src-shared/model/operation-result.ts'
import type { RecoveryPoint } from '../../src-shared/model/recovery-point.ts'
import { exactText } from './format.ts'
import { CONSISTENCY_SENTENCES } from './result-words.ts'
import type { Shown } from './tone.ts'

const CONSISTENCY_LOOKS: Record<Consistency, Omit<Shown, 'sentence' | 'note'>> = {
  quiesced: { word: 'Quiesced', tone: 'ok', icon: 'i-lucide-snowflake' },
  journal_replayed: { word: 'Journal replayed', tone: 'idle', icon: 'i-lucide-rotate-ccw' },
  neither: { word: 'Damaged', tone: 'warn', icon: 'i-lucide-circle-alert' },
}

export function consistencyShown(consistency: Consistency): Shown {
  return { ...CONSISTENCY_LOOKS[consistency], note: '', sentence: CONSISTENCY_SENTENCES[consistency] }
}

/** How far a point is proven: a drill says more than a verification; null where neither was. */
export function proofShown({ verifiedAt, drilledAt, hasPassedDrill }: RecoveryPoint, offsetMs: number): Shown | null {
  const verified = verifiedAt === null ? '' : `Verified ${exactText(verifiedAt - offsetMs)}.`
  const note = ''
  if (drilledAt !== null) {
    const sentence = `${hasPassedDrill === true ? 'Passed' : 'Did not pass'} a drill, ${exactText(drilledAt - offsetMs)}. ${verified}`
    return hasPassedDrill === true
      ? { word: 'Drilled', tone: 'ok', icon: 'i-lucide-shield-check', note, sentence }
      : { word: 'Drill failed', tone: 'bad', icon: 'i-lucide-shield-x', note, sentence }
  }
  return verified === '' ? null : { word: 'Verified', tone: 'ok', icon: 'i-lucide-check', note, sentence: verified }
}
