import { z } from 'zod'
import { FAILURE_MESSAGE_MOST } from '../error.ts'
import { wordsSchema } from '../lib/foreign-words.ts'
import { environmentIdSchema, environmentNameSchema, recoveryPointIdSchema } from './ids.ts'
import { timestampSchema } from './time.ts'

const count = z.int().min(0)

/** What came of taking an environment's points on record from its repository. */
export const adoptedPointsSchema = z.object({
  environmentId: environmentIdSchema,
  /** Where they are; carries no password. */
  repository: z.string(),
  /** On record from now on. */
  taken: count,
  /** Were on record, and stay as they are. */
  known: count,
  /** Were on record as being there, and are not: on record as gone from now on. */
  gone: count,
  /** There was no time for them: ask again. */
  left: count,
  passedOverCount: count,
  /** The newest of them, at most 100, with why in one sentence. */
  passedOver: z.array(
    z.object({ pointId: recoveryPointIdSchema, takenAt: z.int(), why: wordsSchema(FAILURE_MESSAGE_MOST) }),
  ),
})
export type AdoptedPoints = z.infer<typeof adoptedPointsSchema>

/** The points on record of one environment that is destroyed, or that this host has no other record of. */
export const orphanedPointsSchema = z.object({
  environmentId: environmentIdSchema,
  /** Null where this host has no record of the environment but its points. */
  environmentName: environmentNameSchema.nullable(),
  destroyedAt: timestampSchema.nullable(),
  pointCount: z.int().min(1),
  newestTakenAt: timestampSchema,
})
export type OrphanedPoints = z.infer<typeof orphanedPointsSchema>
