import { z } from 'zod'
import { timestampSchema } from './environment.ts'
import { imageRefSchema } from './ids.ts'

export const imageSchema = z.object({
  ref: imageRefSchema,
  /** SHA-256 over every input the image was built from, hex. */
  fingerprint: z.string(),
  builtAt: timestampSchema,
  bytes: z.int(),
})
export type Image = z.infer<typeof imageSchema>
