import { z } from 'zod'
import { homeIdSchema, environmentIdSchema, imageRefSchema, operationIdSchema, recoveryPointIdSchema } from './ids.ts'
import { consistencySchema } from './operation-result.ts'
import { timestampSchema } from './time.ts'

/** One snapshot of a home, as the daemon's own record has it. */
export const recoveryPointSchema = z.object({
  id: recoveryPointIdSchema,
  /** Whose home it is of; a destroyed environment's points keep its id. */
  environmentId: environmentIdSchema,
  homeId: homeIdSchema,
  /**
   * Size of the home that it was made of. Of a point that was taken on record from its repository and does not say it:
   * what it surely fits into.
   */
  homeMiB: z.int().min(1),
  image: imageRefSchema,
  takenAt: timestampSchema,
  /** The machine that made it, which need not be the present one. */
  hostName: z.string(),
  /** Size of what a restore makes, and the number of its files and folders. */
  bytes: z.int().min(0),
  entries: z.int().min(0),
  /**
   * New in the repository, before compression. Null, as are the other two that only its backup knew, where the point was
   * taken on record from its repository.
   */
  addedBytes: z.int().min(0).nullable(),
  durationMs: z.int().min(0).nullable(),
  consistency: consistencySchema,
  /** Files that could not be read are not in it. Null: whether there were any is not known. */
  unreadableCount: z.int().min(0).nullable(),
  tags: z.array(z.string()),
  operationId: operationIdSchema.nullable(),
  /** What is in it can be shown without asking the repository. */
  hasListing: z.boolean(),
  /** When it was last restored whole and found good, or all of the repository's data was read. */
  verifiedAt: timestampSchema.nullable(),
  drilledAt: timestampSchema.nullable(),
  hasPassedDrill: z.boolean().nullable(),
  /** When it was found to be no longer in the repository; null while it is there as far as is known. */
  forgottenAt: timestampSchema.nullable(),
})
export type RecoveryPoint = z.infer<typeof recoveryPointSchema>

/** One file, folder or other thing in a point. Paths are the guest's choice. */
export const pointEntrySchema = z.object({
  /** From the root of the point, beginning with `/`. Shown with control characters escaped. */
  path: z.string(),
  type: z.enum(['file', 'directory', 'symlink', 'other']),
  bytes: z.int().min(0),
  modifiedAt: z.int(),
  /** Permission bits. */
  mode: z.int().min(0),
})
export type PointEntry = z.infer<typeof pointEntrySchema>

export const changeCountsSchema = z.object({
  added: z.int().min(0),
  changed: z.int().min(0),
  removed: z.int().min(0),
  /** Of the added and changed files, and of the removed ones. */
  bytesWritten: z.int().min(0),
  bytesRemoved: z.int().min(0),
})
export type ChangeCounts = z.infer<typeof changeCountsSchema>

export const pointChangeSchema = z.object({
  kind: z.enum(['added', 'changed', 'removed']),
  path: z.string(),
  type: pointEntrySchema.shape.type,
  /** Before and after; null where it was not there. */
  fromBytes: z.int().nullable(),
  toBytes: z.int().nullable(),
})
export type PointChange = z.infer<typeof pointChangeSchema>
