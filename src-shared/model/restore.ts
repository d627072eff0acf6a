import { z } from 'zod'
import { wordsSchema } from '../lib/foreign-words.ts'
import { homeIdSchema } from './ids.ts'
import { planSchema } from './plan.ts'
import { changeCountsSchema, recoveryPointSchema } from './recovery-point.ts'
import { timestampSchema } from './time.ts'

/** What going back loses, as far as it could be counted. */
export const restoreLossSchema = z.discriminatedUnion('kind', [
  /** The point's listing was compared with the home as it is now. */
  z.object({ kind: z.literal('counted'), changes: changeCountsSchema }),
  /** It was not, and why; `sinceLatest` is the difference to the newest point, where there is one to compare with. */
  z.object({ kind: z.literal('not_counted'), why: wordsSchema(1_000), sinceLatest: changeCountsSchema.nullable() }),
  /** There is no home to lose anything of. */
  z.object({ kind: z.literal('no_home') }),
])
export type RestoreLoss = z.infer<typeof restoreLossSchema>

export const restorePlanSchema = planSchema.extend({
  kind: z.literal('restore'),
  point: recoveryPointSchema,
  /** Age of the point when the plan was made. */
  ageMs: z.int(),
  loss: restoreLossSchema,
  /** The guest is ended at once, and not only for the swap. */
  isStopNow: z.boolean(),
  diskNeededBytes: z.int().min(0),
  diskFreeBytes: z.int().min(0),
  /** Until when the replaced home can be brought back, if it is run now; null: there will be nothing to undo to. */
  undoUntil: timestampSchema.nullable(),
  /** A home that is kept for undo now is removed; one is kept per environment. */
  dropsUndo: z.boolean(),
})
export type RestorePlan = z.infer<typeof restorePlanSchema>

export const undoPlanSchema = planSchema.extend({
  kind: z.literal('undo_restore'),
  /** When the home that comes back was replaced. */
  replacedAt: timestampSchema,
  /** Until when the restored home is kept in turn. */
  undoUntil: timestampSchema,
})
export type UndoPlan = z.infer<typeof undoPlanSchema>

/** Of a home beside the environment's own, which is not touched. */
export const dropPlanSchema = planSchema.extend({
  kind: z.literal('drop_undo'),
  homeId: homeIdSchema,
  keptFor: z.enum(['undo', 'review']),
  /** When another home took its place. */
  replacedAt: timestampSchema,
  /** Until when it can be brought back now; null for one that is kept for review. */
  undoUntil: timestampSchema.nullable(),
  /** Bytes that it takes on disk now, and that are free afterwards; null where that could not be read. */
  homeBytes: z.int().nullable(),
  /** Null where it could not be told. */
  diskFreeBytes: z.int().min(0).nullable(),
})
export type DropPlan = z.infer<typeof dropPlanSchema>
