import { z } from 'zod'
import { plainText, strictText } from '../lib/strict-text.ts'

/** Labels that one environment may carry. */
export const MAX_LABELS = 64

export const labelKeySchema = strictText(
  /^[a-z0-9](?:[a-z0-9._/-]{0,61}[a-z0-9])?$/,
  'must be 1–63 lower-case letters, digits, dots, slashes, underscores and dashes, and start and end with a letter or digit',
)

/** What people sort environments by: key to value, the value possibly empty. */
export const labelsSchema = z
  .record(labelKeySchema, plainText(63))
  .refine((labels) => Object.keys(labels).length <= MAX_LABELS, `must be at most ${MAX_LABELS} labels`)
export type Labels = z.infer<typeof labelsSchema>
