import { PilothouseError } from '../../src-shared/error.ts'
import type { EnvironmentRef, RecoveryPointId, RecoveryPointRef } from '../../src-shared/model/ids.ts'
import type { ChangeCounts, PointChange, PointEntry } from '../../src-shared/model/recovery-point.ts'
import { abortable, ChangeTally, changesBetween, compareInTreeOrder, type Listing } from './compare-listings.ts'
import { PointListings } from './point-listings.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'
import { noteOnLatest, resolvePoint, type PointOwner } from './resolve-point.ts'

interface Page {
  readonly limit: number
  /** What the page before said as `next`. */
  readonly after?: string | undefined
}

export interface BrowseQuery extends Page {
  readonly environment: EnvironmentRef
  readonly point: RecoveryPointRef
  readonly folder: string
}

export interface CompareQuery extends Page {
  readonly environment: EnvironmentRef
  readonly from: RecoveryPointRef
  readonly to: RecoveryPointRef
}

export interface BrowsePage {
  readonly pointId: RecoveryPointId
  readonly note?: string
  readonly entries: PointEntry[]
  readonly next: string | null
}

export interface ComparePage {
  readonly from: RecoveryPointId
  readonly to: RecoveryPointId
  readonly note?: string
  readonly counts: ChangeCounts
  readonly changes: PointChange[]
  readonly next: string | null
}

/** What is in recovery points, a page at a time. A point never changes, so that its pages fit together. */
export class PointContents {
  private readonly recovery: RecoveryToolkit
  private readonly listings: PointListings

  constructor(recovery: RecoveryToolkit) {
    this.recovery = recovery
    this.listings = new PointListings(recovery)
  }

  /** What is directly in a folder of the point, in tree order. Throws `not_found` where it has no such folder. */
  async browse(owner: PointOwner, query: BrowseQuery, signal: AbortSignal): Promise<BrowsePage> {
    const point = resolvePoint(this.recovery, owner, query.point)
    const note = noteOnLatest(this.recovery, query.point, point)
    const folder = folderOf(query.folder)
    const found = await this.listings.read([point], { signal }, (open) =>
      folderPage(abortable(open(point), signal), folder, query),
    )
    if (found !== undefined) return { pointId: point.id, ...note, ...found }
    throw new PilothouseError('not_found', `The recovery point ${point.id.slice(0, 8)} has no such folder.`)
  }

  /** Counts of all that is different, and a page of it, in tree order. */
  async compare(owner: PointOwner, query: CompareQuery, signal: AbortSignal): Promise<ComparePage> {
    const from = resolvePoint(this.recovery, owner, query.from)
    const to = resolvePoint(this.recovery, owner, query.to)
    const notes = { ...noteOnLatest(this.recovery, query.from, from), ...noteOnLatest(this.recovery, query.to, to) }
    const found = await this.listings.read([from, to], { signal }, async (open) => {
      const [page, tally] = [new PageOf<PointChange>(query), new ChangeTally()]
      for await (const change of changesBetween(open(from), abortable(open(to), signal))) {
        tally.add(change)
        page.offer(change)
      }
      return { counts: tally.counts, changes: page.items, next: page.next }
    })
    return { from: from.id, to: to.id, ...notes, ...found }
  }
}

/** Without a slash at its end; the root is nothing. */
function folderOf(folder: string): string {
  const trimmed = folder.replace(/\/+$/, '')
  if (trimmed === '' || trimmed.startsWith('/')) return trimmed
  const message = 'folder: must begin with a slash, as paths in a recovery point do.'
  throw new PilothouseError('invalid_request', message, { details: { field: 'folder' } })
}

async function folderPage(
  entries: Listing,
  folder: string,
  asked: Page,
): Promise<{ entries: PointEntry[]; next: string | null } | undefined> {
  const page = new PageOf<PointEntry>(asked)
  const inside = `${folder}/`
  let isThere = folder === ''
  for await (const entry of entries) {
    if (entry.path === folder) isThere = entry.type === 'directory'
    else if (entry.path.startsWith(inside)) {
      if (!entry.path.includes('/', inside.length)) page.offer(entry)
    } else if (isThere && compareInTreeOrder(entry.path, inside) > 0) break
    if (page.isFull) break
  }
  return isThere ? { entries: page.items, next: page.next } : undefined
}

/** Of things that are offered in their order, those of one page: `after` is how many came before it. */
class PageOf<T> {
  readonly items: T[] = []
  private readonly limit: number
  private readonly from: number
  private seen = 0

  constructor({ limit, after }: Page) {
    this.limit = limit
    this.from = after === undefined ? 0 : positionOf(after)
  }

  offer(item: T): void {
    if (this.seen >= this.from && this.items.length < this.limit) this.items.push(item)
    this.seen += 1
  }

  /** There is more than is on it. */
  get isFull(): boolean {
    return this.seen > this.from + this.limit
  }

  get next(): string | null {
    return this.isFull ? String(this.from + this.limit) : null
  }
}

function positionOf(after: string): number {
  if (/^\d{1,15}$/.test(after)) return Number(after)
  const message = 'after: must be what the page before gave as next.'
  throw new PilothouseError('invalid_request', message, { details: { field: 'after' } })
}
