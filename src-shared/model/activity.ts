import { z } from 'zod'
import { strictText } from '../lib/strict-text.ts'
import { environmentIdSchema, environmentNameSchema, operationIdSchema, requestIdSchema } from './ids.ts'
import { actorSchema } from './operation.ts'
import { timestampSchema } from './time.ts'

export const activityHashSchema = strictText(/^[0-9a-f]{64}$/, 'must be 64 hex digits')

/** The end of the chain as someone saw it; `seq` 0 with 64 zeros is the beginning of every chain. */
export const activityHeadSchema = z.object({ seq: z.int().min(0), hash: activityHashSchema })
export type ActivityHead = z.infer<typeof activityHeadSchema>

export const CHAIN_START: ActivityHead = { seq: 0, hash: '0'.repeat(64) }

/** One thing that was done, refused or noticed. */
export const activityEntrySchema = z.object({
  /** From 1, without holes. */
  seq: z.int().min(1),
  at: timestampSchema,
  /** Null for what the daemon did or noticed by itself. */
  actor: actorSchema.nullable(),
  requestId: requestIdSchema.nullable(),
  operationId: operationIdSchema.nullable(),
  environmentId: environmentIdSchema.nullable(),
  /** As it was called when it happened. */
  environmentName: environmentNameSchema.nullable(),
  /** Such as `spawn`, `owner.put`, `readiness.lost`. */
  action: z.string(),
  /** Such as `requested`, `accepted`, `succeeded`, `failed`, `refused`. */
  outcome: z.string(),
  /** Facts, never secrets; the plan's text among them where there was one. */
  detail: z.record(z.string(), z.unknown()),
  /** SHA-256, hex, over the entry before and this one; see `chainText`. */
  hash: activityHashSchema,
})
export type ActivityEntry = z.infer<typeof activityEntrySchema>

/** What came of holding a chain against the heads that someone pinned. */
export const activityVerdictSchema = z.object({
  /** `unanchored`: consistent in itself, but no trusted head says that it is the chain it was. */
  kind: z.enum(['intact', 'unanchored', 'broken']),
  /** Entries that were read. */
  entryCount: z.int().min(0),
  head: activityHeadSchema,
  /** The newest trusted head that holds; null where there is none. */
  anchor: activityHeadSchema.nullable(),
  /** One sentence. */
  says: z.string(),
  /** The first sequence number that is wrong; null where nothing is. */
  brokenAt: z.int().nullable(),
})
export type ActivityVerdict = z.infer<typeof activityVerdictSchema>

/** An entry as it stands in the chain: everything but its hash. */
export type ChainedFacts = Omit<ActivityEntry, 'hash'>

/** The text whose SHA-256 is the entry's hash: the hash before it, and every field in a fixed order. */
export function chainText(previousHash: string, entry: ChainedFacts): string {
  const { seq, at, actor, requestId, operationId, environmentId, environmentName, action, outcome, detail } = entry
  const who = actor === null ? null : [actor.user, actor.uid, actor.role, actor.claimedActor]
  return JSON.stringify([
    previousHash,
    ...[seq, at, who, requestId, operationId, environmentId, environmentName, action, outcome, detail],
  ])
}
