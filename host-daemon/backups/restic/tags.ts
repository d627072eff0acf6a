import type { z } from 'zod'
import { strictText } from '../../../src-shared/lib/strict-text.ts'

/** A tag of a recovery point: `word` or `key=value`. restic splits at commas, so none is ever in one. */
export const tagSchema = strictText(
  /^[a-z][a-z0-9-]{0,31}(?:=[A-Za-z0-9][A-Za-z0-9@._:+-]{0,127})?$/,
  'must be a word, or key=value, of letters, digits and @._:+-',
).brand('Tag')
export type Tag = z.infer<typeof tagSchema>
