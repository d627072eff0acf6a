import { z } from 'zod'
import { plainText } from '../lib/strict-text.ts'
import { environmentIdSchema, homeIdSchema, recoveryPointIdSchema } from './ids.ts'
import { timestampSchema } from './time.ts'

const bytes = z.int().min(0)
const count = z.int().min(0)

/**
 * `quiesced`: the file systems were at rest at that moment. `journal_replayed`: they were not, and their journal has been
 * replayed. `neither`: damaged beyond what a replay mends.
 */
export const consistencySchema = z.enum(['quiesced', 'journal_replayed', 'neither'])
export type Consistency = z.infer<typeof consistencySchema>

/** How much of the repository's data a check reads: none, all, or one part of so many. */
export const checkDepthSchema = z.union([
  z.enum(['structure', 'all']),
  z.object({ part: z.int().min(1).max(256), of: z.int().min(1).max(256) }).refine(({ part, of }) => part <= of, {
    error: 'part: must not be more than of',
  }),
])
export type CheckDepth = z.infer<typeof checkDepthSchema>

export const drillCheckSchema = z.object({
  /** Such as `boots`, `agent answers`, `entries`, `hashes`, `check command`. */
  name: z.string(),
  isPassed: z.boolean(),
  /** One sentence with the facts. */
  detail: z.string(),
})
export type DrillCheck = z.infer<typeof drillCheckSchema>

/** A file that was not restored, and why. The path is a guest's choice: shown with control characters escaped. */
export const skippedFileSchema = z.object({ path: z.string(), why: z.string() })

/** What came of an operation, by its kind. */
export const operationResultSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('backup'),
    pointId: recoveryPointIdSchema,
    /** Size of what a restore makes. */
    bytes,
    /** New in the repository, before compression. */
    addedBytes: bytes,
    entries: count,
    consistency: consistencySchema,
    /** How long the guest's writing was held; null where it was not. */
    frozenMs: count.nullable(),
    unreadableCount: count,
  }),
  z.object({ kind: z.literal('prune'), forgotten: count, kept: count }),
  z.object({ kind: z.literal('check'), depth: checkDepthSchema, isSound: z.boolean(), findings: z.array(z.string()) }),
  z.object({
    kind: z.literal('restore'),
    pointId: recoveryPointIdSchema,
    homeId: homeIdSchema,
    /** What was verified, a sentence each. */
    verified: z.array(z.string()),
    /** Null where there was no home to keep. */
    undo: z.object({ homeId: homeIdSchema, until: timestampSchema, bytes: bytes.nullable() }).nullable(),
  }),
  z.object({
    kind: z.literal('undo_restore'),
    homeId: homeIdSchema,
    undo: z.object({ homeId: homeIdSchema, until: timestampSchema, bytes: bytes.nullable() }).nullable(),
  }),
  z.object({ kind: z.literal('drop_undo'), homeId: homeIdSchema, freedBytes: bytes.nullable() }),
  z.object({
    kind: z.literal('clone'),
    pointId: recoveryPointIdSchema,
    sourceId: environmentIdSchema,
    /** Files of the source's identity that were removed from the new home. */
    removedIdentity: z.array(z.string()),
    verified: z.array(z.string()),
  }),
  z.object({
    kind: z.literal('restore_files'),
    pointId: recoveryPointIdSchema,
    /** On the host. */
    folder: z.string(),
    files: count,
    bytes,
    /** At most 100 of them; `skippedCount` says how many there were. */
    skipped: z.array(skippedFileSchema),
    skippedCount: count,
  }),
  z.object({
    kind: z.literal('drill'),
    pointId: recoveryPointIdSchema,
    isPassed: z.boolean(),
    checks: z.array(drillCheckSchema),
    /** The environment that the scratch guest was kept as. */
    promotedTo: environmentIdSchema.nullable(),
  }),
])
export type OperationResult = z.infer<typeof operationResultSchema>

/** A name on the host below the folder for restored files: no separator, no leading dot or dash. */
export const restoreFolderSchema = plainText(64)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be 1–64 letters, digits, dots, dashes and underscores')
  .refine((name) => !name.includes('..'), 'must not contain two dots in a row')
