import { z } from 'zod'
import { wordsSchema } from '../lib/foreign-words.ts'
import { strictText } from '../lib/strict-text.ts'
import { environmentIdSchema } from './ids.ts'
import { timestampSchema } from './time.ts'

/** Something on the host that the daemon's record does not account for. */
export const DRIFT_KINDS = {
  guest: 'A guest that belongs to no boot on record.',
  boot_files: 'Sockets and files of a boot that is over or unknown.',
  home: 'A home that belongs to no environment on record.',
  half_made_home: 'A home whose making was interrupted; no guest has ever used it.',
  removed_home: 'A home of an environment that was destroyed; its removal did not finish.',
} as const
export type DriftKind = keyof typeof DRIFT_KINDS

/** An engine's words may be in it. */
const said = wordsSchema(1_000)

export const driftIdSchema = strictText(/^[a-z_]{1,32}:[a-z0-9.-]{1,64}$/, 'must be an id from the list of leftovers')

export const driftItemSchema = z.object({
  id: driftIdSchema,
  kind: z.enum(Object.keys(DRIFT_KINDS) as [DriftKind, ...DriftKind[]]),
  /** Whose it was, as far as is known. */
  environmentId: environmentIdSchema.nullable(),
  /** One sentence with the facts. */
  detail: said,
  /** On disk; null where it takes none or could not be told. */
  bytes: z.int().nullable(),
  /** Someone's data may be in it. */
  holdsData: z.boolean(),
})
export type DriftItem = z.infer<typeof driftItemSchema>

export const driftReportSchema = z.object({
  surveyedAt: timestampSchema,
  items: z.array(driftItemSchema),
  /** What could not be looked at, a sentence each. */
  problems: z.array(said),
})
export type DriftReport = z.infer<typeof driftReportSchema>

/** What a clean-up would do; `text` is what is shown, logged and recorded. */
export const driftPlanSchema = z.object({
  /** What the host calls itself; the console's name for it may differ. */
  hostName: z.string(),
  text: z.string(),
  losses: z.array(z.string()),
  items: z.array(driftItemSchema),
  /** `hostName` must be typed, because someone's data may be lost. */
  needsName: z.boolean(),
  hash: z.string(),
})
export type DriftPlan = z.infer<typeof driftPlanSchema>

export const driftResultSchema = z.object({
  removed: z.array(driftIdSchema),
  failed: z.array(z.object({ id: driftIdSchema, problem: said })),
})
export type DriftResult = z.infer<typeof driftResultSchema>
