import type { ActivityEntry, ActivityHead, ActivityVerdict } from '../../../../src-shared/model/activity.ts'
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

export function verdictText({ kind, says, entryCount, head, anchor, brokenAt }: ActivityVerdict): string {
  return facts([
    ['verdict', kind],
    ['says', kind === 'unanchored' ? 'consistent, not anchored' : says],
    ['entries', String(entryCount)],
    ['head', `${head.seq}:${head.hash}`],
    ['anchor', anchor === null ? null : `${anchor.seq}:${anchor.hash}`],
    ['broken at', brokenAt === null ? null : String(brokenAt)],
  ])
}
