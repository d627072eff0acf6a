import { z } from 'zod'
import { ResticFailure } from './failure.ts'

/** Counts and sizes; restic leaves out what is zero. */
export const countSchema = z.number().nonnegative().default(0)

/** restic's times have nanoseconds and any offset; here they are milliseconds since the epoch. */
export const timeSchema = z.string().transform((text, context) => {
  const time = Date.parse(text)
  if (!Number.isNaN(time)) return time
  context.addIssue({ code: 'custom', message: 'must be a time' })
  return z.NEVER
})

/** One JSON document, held to `schema`; fields that the schema does not know are passed over. */
export function parseDocument<T>(verb: string, text: string, schema: z.ZodType<T>): T {
  return parseValue(verb, parseJson(verb, text), schema)
}

/** A parsed value, held to `schema`. Throws `ResticFailure` of kind `unexpected`. */
export function parseValue<T>(verb: string, value: unknown, schema: z.ZodType<T>): T {
  const parsed = schema.safeParse(value)
  if (parsed.success) return parsed.data
  const issue = parsed.error.issues[0]
  const where = issue === undefined ? '' : ` (${issue.path.join('.') || 'the whole'}: ${issue.message})`
  throw notUnderstood(verb, `what it answered is not understood${where}`, parsed.error)
}

function parseJson(verb: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw notUnderstood(verb, 'what it answered is not JSON', cause)
  }
}

export function notUnderstood(verb: string, says: string, cause?: unknown): ResticFailure {
  const hint = 'Check that the installed restic is one of the versions that are known to work (0.14 to 0.18).'
  return new ResticFailure('unexpected', { verb, says, hint, cause })
}
