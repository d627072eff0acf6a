import type { Environment } from '../../src-shared/model/environment.ts'
import type { HostId } from '../../src-shared/model/ids.ts'
import type { Labels } from '../../src-shared/model/labels.ts'
import { compare, type SortOrder } from './sort-order.ts'
import { wordsOf } from './words.ts'

/** One environment of one host; replaced, never changed, so that identity tells a change. */
export interface EnvironmentRow {
  /** Unique in the fleet. */
  readonly key: string
  readonly hostId: HostId
  readonly environment: Environment
}

export function rowKey(hostId: string, environmentId: string): string {
  return `${hostId}/${environmentId}`
}

export const SORT_KEYS = ['name', 'id', 'state', 'seen', 'owner', 'host', 'image', 'size'] as const
export type SortKey = (typeof SORT_KEYS)[number]

export interface ListQuery {
  /** Words that must all be found; `state:failed`, `owner:acme`, `host:lon-1`, `image:minimal` name a column, `team:blue` a label. */
  readonly text: string
  readonly hostId: HostId | null
  readonly order: SortOrder<SortKey>
}

/** What the list needs of the rest of the fleet; looked up, because it changes apart from the rows. */
export interface ListLookups {
  hostName(hostId: HostId): string
  /** The state as it is shown now, in lower case. */
  stateWord(row: EnvironmentRow): string
  seenAt(row: EnvironmentRow): number
}

/** `label` is a key that must be there; then `text` is looked for in its value. */
type Term = { readonly column: string | null; readonly label: string | null; readonly text: string }
const COLUMNS = new Set(['state', 'owner', 'host', 'image', 'name', 'id'])

function parseTerms(text: string): Term[] {
  return wordsOf(text).map((word) => {
    const colon = word.indexOf(':')
    if (colon <= 0) return { column: null, label: null, text: word }
    const before = word.slice(0, colon)
    const isColumn = COLUMNS.has(before)
    return { column: isColumn ? before : null, label: isColumn ? null : before, text: word.slice(colon + 1) }
  })
}

function hasLabel(labels: Labels, key: string, text: string): boolean {
  return Object.hasOwn(labels, key) && labels[key]?.toLowerCase().includes(text) === true
}

function isInLabels(labels: Labels, text: string): boolean {
  for (const key in labels) if (key.includes(text) || hasLabel(labels, key, text)) return true
  return false
}

function columnText(row: EnvironmentRow, column: string, lookups: ListLookups): string {
  const { environment } = row
  if (column === 'state') return lookups.stateWord(row)
  if (column === 'owner') return environment.owner
  if (column === 'host') return lookups.hostName(row.hostId)
  if (column === 'image') return environment.image
  return column === 'id' ? environment.id : environment.name
}

function matches(row: EnvironmentRow, term: Term, lookups: ListLookups): boolean {
  if (term.column !== null) return columnText(row, term.column, lookups).includes(term.text)
  if (term.label !== null) return hasLabel(row.environment.labels, term.label, term.text)
  const { name, id, owner, image } = row.environment
  const own = name.includes(term.text) || id.includes(term.text) || owner.includes(term.text)
  const other = image.includes(term.text) || lookups.hostName(row.hostId).includes(term.text)
  return own || other || isInLabels(row.environment.labels, term.text)
}

function sortValue(row: EnvironmentRow, key: SortKey, lookups: ListLookups): string | number {
  switch (key) {
    case 'name':
      return row.environment.name
    case 'id':
      return row.environment.id
    case 'state':
      return lookups.stateWord(row)
    case 'seen':
      return -lookups.seenAt(row)
    case 'owner':
      return row.environment.owner
    case 'host':
      return lookups.hostName(row.hostId)
    case 'image':
      return row.environment.image
    case 'size':
      return row.environment.size.memoryMiB * 100 + row.environment.size.cpus
  }
}

/** Rows that fit the query, in its order; equal ones by name, then by key, so that rows keep their place. */
export function listRows(rows: Iterable<EnvironmentRow>, query: ListQuery, lookups: ListLookups): EnvironmentRow[] {
  const terms = parseTerms(query.text)
  const entries: { row: EnvironmentRow; value: string | number }[] = []
  for (const row of rows) {
    if (query.hostId !== null && row.hostId !== query.hostId) continue
    if (!terms.every((term) => matches(row, term, lookups))) continue
    entries.push({ row, value: sortValue(row, query.order.key, lookups) })
  }
  const sign = query.order.isDescending ? -1 : 1
  entries.sort((a, b) => sign * compare(a.value, b.value) || tieBreak(a.row, b.row))
  return entries.map((entry) => entry.row)
}

function tieBreak(a: EnvironmentRow, b: EnvironmentRow): number {
  return compare(a.environment.name, b.environment.name) || compare(a.key, b.key)
}
