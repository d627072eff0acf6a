import { createHash } from 'node:crypto'
import { z } from 'zod'
import { boundFacts } from '../../src-shared/lib/foreign-words.ts'
import {
  activityEntrySchema,
  activityHashSchema,
  CHAIN_START,
  chainText,
  type ActivityEntry,
  type ChainedFacts,
} from '../../src-shared/model/activity.ts'
import type { EnvironmentId, EnvironmentName, OperationId, RequestId } from '../../src-shared/model/ids.ts'
import type { Actor } from '../../src-shared/model/operation.ts'
import { timestampSchema } from '../../src-shared/model/time.ts'

export interface ActivityRow {
  seq: number
  at: number
  user: string | null
  uid: number | null
  role: string | null
  claimed_actor: string | null
  request_id: string | null
  operation_id: string | null
  environment_id: string | null
  environment_name: string | null
  action: string
  outcome: string
  detail: string
}

export function toFacts(row: ActivityRow): ChainedFacts {
  const { user, uid, role, claimed_actor: claimedActor } = row
  return {
    seq: row.seq,
    at: row.at,
    actor: user === null ? null : ({ user, uid, role, claimedActor } as Actor),
    requestId: row.request_id as RequestId | null,
    operationId: row.operation_id as OperationId | null,
    environmentId: row.environment_id as EnvironmentId | null,
    environmentName: row.environment_name as EnvironmentName | null,
    action: row.action,
    outcome: row.outcome,
    detail: JSON.parse(row.detail) as Record<string, unknown>,
  }
}

/** A key in JSON that no object can carry over the wire. Quotes inside of texts have a backslash before them. */
const PROTO_KEY = /([{,])"__proto__":/g

/**
 * Facts as they are kept, and as everybody will read them: what JSON drops is not part of the record, and a key
 * `__proto__` is spelled `_proto_`.
 */
export function detailText(said: Readonly<Record<string, unknown>>): string {
  const text = JSON.stringify(said)
  const safe = text.replaceAll(PROTO_KEY, '$1"_proto_":')
  return safe === text ? text : JSON.stringify(JSON.parse(safe))
}

/** Characters of one entry's facts. The text of a clean-up's plan with 500 leftovers has about an eighth of that. */
const FACTS_MOST = 524_288

/** Facts as they may be kept for ever: cut and made visible. Entries of before stay what they are. */
export function boundDetail(said: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return boundFacts({ ...said }, FACTS_MOST)
}

/** What is kept and would not be seen, or would be read differently than it is kept, was not written by us. */
function isAsWritten(row: ActivityRow, facts: ChainedFacts): boolean {
  if (row.user === null && (row.uid !== null || row.role !== null || row.claimed_actor !== null)) return false
  return detailText(facts.detail) === row.detail
}

/**
 * The entry of a row. A row that does not read as an entry is shown as one that nobody can mistake: its hash does not
 * hold, and its columns are in the detail. So the others can still be read, and verification finds it.
 */
export function toActivityEntry(row: ActivityRow & { hash: string }): ActivityEntry {
  try {
    const facts = toFacts(row)
    const entry = activityEntrySchema.safeParse({ ...facts, hash: row.hash })
    if (entry.success && isAsWritten(row, facts)) return entry.data
  } catch {
    // The detail is no JSON: shown as it is, below.
  }
  return malformedEntry(row)
}

/** Of a row of which nothing is certain, not even the types of its columns. */
function malformedEntry(row: { readonly [Column in keyof ActivityRow | 'hash']: unknown }): ActivityEntry {
  const nobody = { actor: null, requestId: null, operationId: null, environmentId: null, environmentName: null }
  return {
    seq: Math.max(1, z.int().safeParse(row.seq).data ?? 1),
    at: timestampSchema.safeParse(row.at).data ?? 0,
    ...nobody,
    action: String(row.action),
    outcome: String(row.outcome),
    detail: { malformed: 'This row is not as it was written.', row: { ...row } },
    hash: activityHashSchema.safeParse(row.hash).data ?? CHAIN_START.hash,
  }
}

export function hashOfEntry(previousHash: string, facts: ChainedFacts): string {
  return createHash('sha256').update(chainText(previousHash, facts)).digest('hex')
}
