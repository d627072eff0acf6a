import { z } from 'zod'
import { cutWords, firstOf, wordsSchema } from '../lib/foreign-words.ts'
import { plainText } from '../lib/strict-text.ts'
import { environmentIdSchema, homeIdSchema, recoveryPointIdSchema } from './ids.ts'
import { timestampSchema } from './time.ts'

const bytes = z.int().min(0)
const count = z.int().min(0)

/**
 * A result is told with its operation to everybody who looks. Whatever a guest or an engine said in it is cut and made
 * visible where it is written, and again where it is read; none is refused for its words. In characters.
 */
const SENTENCE_MOST = 500
const NAME_MOST = 64
/** A path stays what a guest chose, to be told from any other one, but for its length. */
const PATH_MOST = 400
const FINDINGS_MOST = 100
const CHECKS_MOST = 32

const sentence = wordsSchema(SENTENCE_MOST)
const path = z.string().overwrite((text) => cutWords(text, PATH_MOST))

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
  name: wordsSchema(NAME_MOST),
  isPassed: z.boolean(),
  /** One sentence with the facts. */
  detail: sentence,
})
export type DrillCheck = z.infer<typeof drillCheckSchema>

/** A file that was not restored, and why. The path is a guest's choice: shown with control characters escaped. */
export const skippedFileSchema = z.object({ path, why: sentence })

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
  z.object({
    kind: z.literal('check'),
    depth: checkDepthSchema,
    isSound: z.boolean(),
    findings: firstOf(sentence, FINDINGS_MOST),
  }),
  z.object({
    kind: z.literal('restore'),
    pointId: recoveryPointIdSchema,
    homeId: homeIdSchema,
    /** What was verified, a sentence each. */
    verified: firstOf(sentence, CHECKS_MOST),
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
    removedIdentity: firstOf(path, FINDINGS_MOST),
    verified: firstOf(sentence, CHECKS_MOST),
  }),
  z.object({
    kind: z.literal('restore_files'),
    pointId: recoveryPointIdSchema,
    /** On the host. */
    folder: wordsSchema(4_096),
    files: count,
    bytes,
    /** At most 100 of them; `skippedCount` says how many there were. */
    skipped: firstOf(skippedFileSchema, FINDINGS_MOST),
    skippedCount: count,
  }),
  z.object({
    kind: z.literal('drill'),
    pointId: recoveryPointIdSchema,
    isPassed: z.boolean(),
    checks: firstOf(drillCheckSchema, CHECKS_MOST),
    /** The environment that the scratch guest was kept as. */
    promotedTo: environmentIdSchema.nullable(),
  }),
])
export type OperationResult = z.infer<typeof operationResultSchema>

/** A name on the host below the folder for restored files: no separator, no leading dot or dash. */
export const restoreFolderSchema = plainText(64)
  .regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/, 'must be 1–64 letters, digits, dots, dashes and underscores')
  .refine((name) => !name.includes('..'), 'must not contain two dots in a row')
