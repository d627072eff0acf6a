import type { z } from 'zod'
import { usageError } from './usage-error.ts'

export interface AssignmentForm {
  /** Where it was said, such as `--env` or `secrets.env line 3`. */
  readonly place: string
  /** Such as `NAME=VALUE`. */
  readonly form: string
  readonly name: z.ZodType<string>
}

/** Splits at the first `=`. What is refused is never repeated: it may be a secret. */
export function assignmentOf(word: string, { place, form, name }: AssignmentForm): [string, string] {
  const at = word.indexOf('=')
  if (at < 1) throw usageError(`${place}: must be ${form}.`)
  const parsed = name.safeParse(word.slice(0, at))
  if (!parsed.success)
    throw usageError(`${place}: what stands before = ${parsed.error.issues[0]?.message ?? 'is malformed'}.`)
  return [parsed.data, word.slice(at + 1)]
}

/** The same for several; a name that is said twice is refused, because one of its values would be lost unseen. */
export function assignmentsOf(words: readonly string[], form: AssignmentForm): Record<string, string> {
  const pairs = words.map((word) => assignmentOf(word, form))
  const twice = pairs.find(([name], index) => pairs.findIndex(([other]) => other === name) !== index)
  if (twice !== undefined) throw usageError(`${form.place}: ${twice[0]} was given twice.`)
  return Object.fromEntries(pairs)
}
