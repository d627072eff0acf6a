import { visibleWords } from '../../../src-shared/lib/foreign-words.ts'
import type { ActivityEntry } from '../../../src-shared/model/activity.ts'

/** Facts that have a place of their own in the detail. */
const PLACED: ReadonlySet<string> = new Set(['text', 'reason', 'code', 'message'])

export interface DetailFact {
  readonly name: string
  readonly value: string
}

/** The remaining facts of an entry as names and values, each as the record has it, fit to be shown. */
export function remainingFacts({ detail }: ActivityEntry): DetailFact[] {
  return Object.entries(detail)
    .filter(([key]) => !PLACED.has(key))
    .map(([key, value]) => ({ name: visibleWords(words(key)), value: visibleWords(textOf(value)) }))
}

const textOf = (value: unknown): string => (typeof value === 'string' ? value : JSON.stringify(value))

/** `planHash` → `Plan hash`. */
function words(key: string): string {
  const spaced = key
    .replaceAll(/([a-z])([A-Z])/g, '$1 $2')
    .replaceAll('_', ' ')
    .toLowerCase()
  return spaced.slice(0, 1).toUpperCase() + spaced.slice(1)
}
