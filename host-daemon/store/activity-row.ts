import { createHash } from 'node:crypto'
import { chainText, type ActivityEntry, type ChainedFacts } from '../../src-shared/model/activity.ts'
import type { EnvironmentId, EnvironmentName, OperationId, RequestId } from '../../src-shared/model/ids.ts'
import type { Actor } from '../../src-shared/model/operation.ts'

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

export function toActivityEntry(row: ActivityRow & { hash: string }): ActivityEntry {
  return { ...toFacts(row), hash: row.hash }
}

export function hashOfEntry(previousHash: string, facts: ChainedFacts): string {
  return createHash('sha256').update(chainText(previousHash, facts)).digest('hex')
}
