import { FRESHNESS_RISK, type BackupStatus } from '../../src-shared/model/backup.ts'
import type { HostId } from '../../src-shared/model/ids.ts'
import type { EnvironmentRow } from './environment-list.ts'
import type { FreshnessKind, JudgedFreshness } from './freshness.ts'
import { compare, type SortOrder } from './sort-order.ts'
import { wordsOf } from './words.ts'

/** One environment of the fleet with how well it is protected now. */
export interface RecoveryRow {
  readonly row: EnvironmentRow
  /** Undefined where its host has told nothing. */
  readonly status: BackupStatus | undefined
  readonly judged: JudgedFreshness
}

export const RECOVERY_SORT_KEYS = ['name', 'owner', 'host', 'freshness', 'latest', 'verified', 'drilled'] as const
export type RecoverySortKey = (typeof RECOVERY_SORT_KEYS)[number]

export interface RecoveryQuery {
  /** Words that must all be found in name, id, owner, host or repository; `owner:` and `host:` look at one of them. */
  readonly text: string
  readonly hostId: HostId | null
  readonly owner: string | null
  /** Null: all of them. */
  readonly kind: FreshnessKind | null
  readonly order: SortOrder<RecoverySortKey>
}

export type FreshnessCounts = Readonly<Record<FreshnessKind, number>>

export function countKinds(rows: Iterable<RecoveryRow>): FreshnessCounts {
  const counts = { unavailable: 0, missing: 0, stale: 0, not_provisioned: 0, healthy: 0 }
  for (const { judged } of rows) counts[judged.kind] += 1
  return counts
}

type HostNames = (hostId: HostId) => string

function matches({ row, status }: RecoveryRow, word: string, hostName: HostNames): boolean {
  const { name, id, owner } = row.environment
  if (word.startsWith('owner:')) return owner.includes(word.slice(6))
  if (word.startsWith('host:')) return hostName(row.hostId).includes(word.slice(5))
  const fields = [name, id, owner, hostName(row.hostId), status?.repository ?? '']
  return fields.some((field) => field.toLowerCase().includes(word))
}

/** Rows that fit everything but the class, so that the classes can be counted. */
export function matchingRows(
  rows: readonly RecoveryRow[],
  query: Pick<RecoveryQuery, 'text' | 'hostId' | 'owner'>,
  hostName: HostNames,
): RecoveryRow[] {
  const words = wordsOf(query.text)
  return rows.filter(
    (each) =>
      (query.hostId === null || each.row.hostId === query.hostId) &&
      (query.owner === null || each.row.environment.owner === query.owner) &&
      words.every((word) => matches(each, word, hostName)),
  )
}

/** Without a point: as old as can be. */
function takenAt({ status }: RecoveryRow): number {
  return status?.latest?.takenAt ?? 0
}

function valueOf(each: RecoveryRow, key: RecoverySortKey, hostName: HostNames): string | number {
  switch (key) {
    case 'name':
      return each.row.environment.name
    case 'owner':
      return each.row.environment.owner
    case 'host':
      return hostName(each.row.hostId)
    case 'freshness':
      return FRESHNESS_RISK[each.judged.kind]
    case 'latest':
      return takenAt(each)
    case 'verified':
      return each.status?.lastVerifiedAt ?? 0
    case 'drilled':
      return each.status?.lastDrill?.at ?? 0
  }
}

/** In order: what was asked for, then the oldest point first, then by name and key, so that rows keep their place. */
export function orderRows(
  rows: readonly RecoveryRow[],
  order: RecoveryQuery['order'],
  hostName: HostNames,
): RecoveryRow[] {
  const sign = order.isDescending ? -1 : 1
  const entries = rows.map((each) => ({ each, value: valueOf(each, order.key, hostName) }))
  entries.sort(
    (a, b) =>
      sign * compare(a.value, b.value) ||
      compare(takenAt(a.each), takenAt(b.each)) ||
      compare(a.each.row.environment.name, b.each.row.environment.name) ||
      compare(a.each.row.key, b.each.row.key),
  )
  return entries.map(({ each }) => each)
}

/** The new rows, those that were there in their old places: for as long as someone is about to press one of them. */
export function inOldPlaces(rows: readonly RecoveryRow[], before: readonly RecoveryRow[]): RecoveryRow[] {
  const places = new Map(before.map(({ row }, index) => [row.key, index]))
  const at = ({ row }: RecoveryRow): number => places.get(row.key) ?? Infinity
  return [...rows].sort((a, b) => compare(at(a), at(b)))
}
