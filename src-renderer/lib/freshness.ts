import {
  CLOCK_TOLERANCE_MS,
  FRESHNESS_KINDS,
  FRESHNESS_RISK,
  freshnessOf,
  spanOf,
  thresholdMsOf,
  type BackupStatus,
  type Freshness,
} from '../../src-shared/model/backup.ts'
import { CLOCK_SET_BACK, EVIDENCE_BOUND_MS, heardAt, type HostEvidence } from './environment-state.ts'
import { spanText } from './format.ts'
import type { Shown, Tone } from './tone.ts'

export type FreshnessKind = Freshness['kind']

/** Nothing is called healthy that its host has not confirmed for this long, milliseconds. */
export const FRESHNESS_BOUND_MS = 5 * 60_000

/** In the order of their risk. */
export const KINDS_BY_RISK: readonly FreshnessKind[] = [...FRESHNESS_KINDS].sort(
  (a, b) => FRESHNESS_RISK[a] - FRESHNESS_RISK[b],
)

/** Needs someone: it is not protected as it should be, or nobody can say. */
export const NEEDS_SOMEONE: readonly FreshnessKind[] = ['unavailable', 'missing', 'stale']

interface Look {
  readonly word: string
  readonly tone: Tone
  readonly icon: string
}

export const FRESHNESS_LOOKS: Record<FreshnessKind, Look> = {
  unavailable: { word: 'Unavailable', tone: 'bad', icon: 'i-lucide-circle-help' },
  missing: { word: 'Missing', tone: 'bad', icon: 'i-lucide-circle-x' },
  stale: { word: 'Stale', tone: 'warn', icon: 'i-lucide-clock-alert' },
  not_provisioned: { word: 'Not provisioned', tone: 'idle', icon: 'i-lucide-circle-dashed' },
  healthy: { word: 'Healthy', tone: 'ok', icon: 'i-lucide-circle-check' },
}

/** How fresh the backups of an environment are now, by what its host last said. */
export interface JudgedFreshness extends Freshness {
  /** How long ago the host last confirmed it, milliseconds; null where it has said nothing at all. */
  readonly heardAgeMs: number | null
}

/** What the host said was wrong, unless it was only a time in the future, which the window judges itself. */
function problemOf({ freshness, latest, observedAt }: BackupStatus): string | null {
  if (freshness.kind !== 'unavailable') return null
  const isAhead = latest !== null && latest.takenAt - observedAt > CLOCK_TOLERANCE_MS
  return isAhead ? null : freshness.sentence
}

function thresholdOf({ freshness, policy }: BackupStatus): number {
  return freshness.thresholdMs > 0 ? freshness.thresholdMs : thresholdMsOf(policy)
}

/** Ages by itself: what was healthy grows stale on the host's clock, and unavailable once its host is not heard. */
export function judgeFreshness(status: BackupStatus | undefined, evidence: HostEvidence, now: number): JudgedFreshness {
  if (status === undefined) {
    const sentence = 'Its host has told nothing of its backups yet.'
    return { kind: 'unavailable', sentence, thresholdMs: 0, heardAgeMs: null }
  }
  const heardAgeMs = now - heardAt(status.observedAt, evidence)
  const facts = {
    isProvisioned: status.freshness.kind !== 'not_provisioned',
    latestTakenAt: status.latest?.takenAt ?? null,
    problem: problemOf(status),
    thresholdMs: thresholdOf(status),
  }
  return aged(freshnessOf(facts, now + evidence.clockOffsetMs), heardAgeMs)
}

/** "Could not verify" is never "fine": what nobody has confirmed for long is at best unknown. */
function aged(fresh: Freshness, ageMs: number): JudgedFreshness {
  const heardAgeMs = Math.max(0, ageMs)
  if (ageMs < -FRESHNESS_BOUND_MS && fresh.kind === 'healthy')
    return {
      ...fresh,
      kind: 'unavailable',
      sentence: `${CLOCK_SET_BACK} By what was known: ${fresh.sentence}`,
      heardAgeMs,
    }
  if (heardAgeMs <= EVIDENCE_BOUND_MS) return { ...fresh, heardAgeMs }
  const heard = `Its host was last heard ${spanOf(heardAgeMs)} ago.`
  if (fresh.kind !== 'healthy' || heardAgeMs <= FRESHNESS_BOUND_MS)
    return { ...fresh, sentence: `${fresh.sentence} ${heard}`, heardAgeMs }
  const sentence = `${heard} Nothing newer is known; by what was known then: ${fresh.sentence}`
  return { kind: 'unavailable', sentence, thresholdMs: fresh.thresholdMs, heardAgeMs }
}

/** The threshold by name, or how old the word is, in a few words. */
function noteOf({ kind, thresholdMs, heardAgeMs }: JudgedFreshness): string {
  if (heardAgeMs === null) return ''
  if (heardAgeMs > EVIDENCE_BOUND_MS) return `heard ${spanText(heardAgeMs)} ago`
  return kind === 'healthy' || kind === 'stale' ? `limit ${spanOf(thresholdMs)}` : ''
}

/** In icon, word and colour, with its sentence. */
export function freshnessShown(judged: JudgedFreshness): Shown {
  return { ...FRESHNESS_LOOKS[judged.kind], note: noteOf(judged), sentence: judged.sentence }
}

/** The judgement, whatever the host's record is like: a record that cannot be read is unavailable, and says so. */
export function judgeSafely(status: BackupStatus | undefined, evidence: HostEvidence, now: number): JudgedFreshness {
  try {
    return judgeFreshness(status, evidence, now)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    return {
      kind: 'unavailable',
      sentence: `Its backup record cannot be read: ${why}`,
      thresholdMs: 0,
      heardAgeMs: null,
    }
  }
}
