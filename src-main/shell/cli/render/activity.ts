import type { ActivityEntry, ActivityHead } from '../../../../src-shared/model/activity.ts'
import { facts, localTime, table } from './text.ts'

export function activityTable(entries: readonly ActivityEntry[]): string {
  const rows = entries.map(({ seq, at, actor, action, outcome, environmentName, requestId }) => [
    String(seq),
    localTime(at),
    actor?.user ?? 'the daemon',
    action,
    outcome,
    environmentName ?? '',
    requestId ?? '',
  ])
  return table(['SEQ', 'WHEN', 'WHO', 'ACTION', 'OUTCOME', 'ENVIRONMENT', 'REQUEST'], rows)
}

export function activityHeadFacts({ seq, hash }: ActivityHead): string {
  return facts([
    ['sequence', String(seq)],
    ['hash', hash],
  ])
}
