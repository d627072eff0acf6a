import { z } from 'zod'
import { plainText } from '../lib/strict-text.ts'
import { ownerNameSchema } from './ids.ts'

const LIMIT_SAYS = 'must be a whole number from 1 to 1000000, or "unlimited"'

/** How many environments an owner may have at once. */
export const ownerLimitSchema = z.union(
  [z.int(LIMIT_SAYS).min(1, LIMIT_SAYS).max(1_000_000, LIMIT_SAYS), z.literal('unlimited')],
  { error: LIMIT_SAYS },
)
export type OwnerLimit = z.infer<typeof ownerLimitSchema>

export const ownerSchema = z.object({
  name: ownerNameSchema,
  note: plainText(500),
  isActive: z.boolean(),
  limit: ownerLimitSchema,
  /** Environments that count against the limit now. */
  environmentCount: z.int().min(0),
})
export type Owner = z.infer<typeof ownerSchema>
