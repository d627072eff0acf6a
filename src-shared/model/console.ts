import { z } from 'zod'
import { timestampSchema } from './environment.ts'
import { bootIdSchema, environmentIdSchema } from './ids.ts'
import { actorSchema } from './operation.ts'

/** A byte position in one boot's journal. */
export const byteOffsetSchema = z.int().min(0)

/** Bytes that can no longer be served. `length` is null where nobody knows how many were lost. */
export const consoleGapSchema = z.object({
  offset: byteOffsetSchema,
  length: z.int().min(0).nullable(),
  reason: z.enum(['retention', 'space_exhausted']),
})
export type ConsoleGap = z.infer<typeof consoleGapSchema>

/** One boot's journal. Bytes are addressed by `(bootId, offset)`, for ever the same byte. */
export const consoleBootSchema = z.object({
  bootId: bootIdSchema,
  environmentId: environmentIdSchema,
  ordinal: z.int().min(1),
  startedAt: timestampSchema,
  endedAt: timestampSchema.nullable(),
  /** One past the newest byte. */
  endOffset: byteOffsetSchema,
  gaps: z.array(consoleGapSchema),
})
export type ConsoleBoot = z.infer<typeof consoleBootSchema>

/** Who may type. One at a time; taken over visibly. */
export const typingLeaseSchema = z.object({
  holder: actorSchema.nullable(),
  since: timestampSchema.nullable(),
  /** The asking connection is the holder. */
  isMine: z.boolean(),
})
export type TypingLease = z.infer<typeof typingLeaseSchema>
