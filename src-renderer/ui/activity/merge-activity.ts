import type { ActivityEntry } from '../../../src-shared/model/activity.ts'
import type { HostId } from '../../../src-shared/model/ids.ts'
import { activitySentence, outcomeShown, whoText } from '../../lib/activity-words.ts'

/** What has been read of one host's record, newest first and without holes from the first to the last. */
export interface ReadPart {
  readonly hostId: HostId
  readonly entries: readonly ActivityEntry[]
  /** There are older entries on the host. */
  readonly hasMore: boolean
}

export interface ActivityLine {
  /** Unique in the fleet. */
  readonly key: string
  readonly hostId: HostId
  readonly entry: ActivityEntry
  /** Console clock. */
  readonly at: number
}

/**
 * Several hosts' records as one, newest first. What is older than the oldest entry of a host that has more is held
 * back: reading on would put entries above it.
 */
export function mergeActivity(parts: readonly ReadPart[], offsetOf: (hostId: HostId) => number): ActivityLine[] {
  const frontier = frontierOf(parts, offsetOf)
  const lines = parts.flatMap(({ hostId, entries }) => {
    const offsetMs = offsetOf(hostId)
    return entries.map((entry) => ({ key: `${hostId}/${entry.seq}`, hostId, entry, at: entry.at - offsetMs }))
  })
  return lines.filter(({ at }) => at >= frontier).sort(newestFirst)
}

function newestFirst(a: ActivityLine, b: ActivityLine): number {
  return b.at - a.at || (a.hostId === b.hostId ? b.entry.seq - a.entry.seq : a.hostId < b.hostId ? -1 : 1)
}

function oldestOf({ entries, hostId }: ReadPart, offsetOf: (hostId: HostId) => number): number {
  return (entries.at(-1)?.at ?? Infinity) - offsetOf(hostId)
}

function frontierOf(parts: readonly ReadPart[], offsetOf: (hostId: HostId) => number): number {
  const open = parts.filter(({ hasMore, entries }) => hasMore && entries.length > 0)
  return Math.max(-Infinity, ...open.map((part) => oldestOf(part, offsetOf)))
}

/** The hosts whose records have to be read on before anything older can be shown. */
export function hostsToReadOn(parts: readonly ReadPart[], offsetOf: (hostId: HostId) => number): HostId[] {
  const frontier = frontierOf(parts, offsetOf)
  return parts.filter((part) => part.hasMore && oldestOf(part, offsetOf) >= frontier).map(({ hostId }) => hostId)
}

/** All words are found somewhere in what the line says. */
export function hasWords({ entry }: ActivityLine, words: readonly string[], hostName: string): boolean {
  if (words.length === 0) return true
  const ids = [entry.requestId ?? '', entry.operationId ?? '', entry.environmentId ?? '', entry.environmentName ?? '']
  const said = [
    activitySentence(entry),
    whoText(entry),
    outcomeShown(entry).word,
    entry.action,
    entry.outcome,
    hostName,
  ]
  const all = [...said, ...ids].join('\n').toLowerCase()
  return words.every((word) => all.includes(word))
}
