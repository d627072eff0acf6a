import { z } from 'zod'
import { environmentSchema, timestampSchema } from './environment.ts'
import { environmentIdSchema, ticketIdSchema } from './ids.ts'
import { operationKindSchema } from './operation.ts'

/**
 * What a dangerous operation would do, computed by the daemon. `text` is what is shown, logged and recorded;
 * the other fields let a screen lay the same facts out.
 */
export const planSchema = z.object({
  kind: operationKindSchema,
  environmentId: environmentIdSchema,
  environmentName: environmentSchema.shape.name,
  generation: z.int().min(1),
  /** Plain text, one sentence a line. */
  text: z.string(),
  /** What is lost for good, a sentence each. */
  losses: z.array(z.string()),
  /** What is kept, and for how long, a sentence each. */
  keeps: z.array(z.string()),
  /** Bytes that the home takes on disk now; null where it could not be read, with the reason in `text`. */
  homeBytes: z.int().nullable(),
  /** The name must be typed to run this plan. */
  needsName: z.boolean(),
  /** SHA-256 of what the ticket is bound to, hex. */
  hash: z.string(),
})
export type Plan = z.infer<typeof planSchema>

/** The permission to run exactly that plan, once, until `expiresAt`. */
export const ticketSchema = z.object({ id: ticketIdSchema, expiresAt: timestampSchema })
export type Ticket = z.infer<typeof ticketSchema>
