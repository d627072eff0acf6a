import type { ChangeCounts, PointChange, PointEntry } from '../../src-shared/model/recovery-point.ts'

/** What is at a place in tree order: parents before their children, names of a folder in rising order of their bytes. */
export type Listing = AsyncIterable<PointEntry>

/**
 * The order of a listing: path by path, component by component, each as its UTF-8 bytes are ordered. Negative where
 * `one` comes first.
 */
export function compareInTreeOrder(one: string, other: string): number {
  const shared = Math.min(one.length, other.length)
  let at = 0
  while (at < shared && one.charCodeAt(at) === other.charCodeAt(at)) at += 1
  if (at === shared) return one.length - other.length
  return rankOf(one.charCodeAt(at)) - rankOf(other.charCodeAt(at))
}

const SLASH = 0x2f
const FIRST_SURROGATE = 0xd800
const LAST_SURROGATE = 0xdfff
const SURROGATES_RANK = 0x10_000

/** A name ends before every other name that it begins; what takes two units comes after everything that takes one. */
function rankOf(unit: number): number {
  if (unit === SLASH) return -1
  return unit >= FIRST_SURROGATE && unit <= LAST_SURROGATE ? unit + SURROGATES_RANK : unit
}

/**
 * What is different in `to`, in tree order, in memory that does not grow with the listings. A folder is changed where its
 * mode is: its time only says that something in it is. Names that are not UTF-8 read alike in a listing: of those, one
 * may be told as removed and added.
 */
export async function* changesBetween(from: Listing, to: Listing): AsyncGenerator<PointChange, void> {
  for await (const [before, after] of pairsOf(from, to)) {
    const change = changeOf(before, after)
    if (change !== undefined) yield change
  }
}

type Pair = readonly [before: PointEntry | undefined, after: PointEntry | undefined]

async function* pairsOf(from: Listing, to: Listing): AsyncGenerator<Pair, void> {
  const [left, right] = [from[Symbol.asyncIterator](), to[Symbol.asyncIterator]()]
  try {
    let [before, after] = [await nextOf(left), await nextOf(right)]
    while (before !== undefined || after !== undefined) {
      const order = orderOf(before, after)
      yield [order <= 0 ? before : undefined, order >= 0 ? after : undefined]
      if (order <= 0) before = await nextOf(left)
      if (order >= 0) after = await nextOf(right)
    }
  } finally {
    await Promise.all([left.return?.(), right.return?.()])
  }
}

async function nextOf(entries: AsyncIterator<PointEntry>): Promise<PointEntry | undefined> {
  const next = await entries.next()
  return next.done === true ? undefined : next.value
}

/** What is over comes last. */
function orderOf(before: PointEntry | undefined, after: PointEntry | undefined): number {
  if (before === undefined) return 1
  return after === undefined ? -1 : compareInTreeOrder(before.path, after.path)
}

function changeOf(before: PointEntry | undefined, after: PointEntry | undefined): PointChange | undefined {
  const entry = after ?? before
  if (entry === undefined) return undefined
  const { path, type } = entry
  const [fromBytes, toBytes] = [before?.bytes ?? null, after?.bytes ?? null]
  if (before === undefined) return { kind: 'added', path, type, fromBytes, toBytes }
  if (after === undefined) return { kind: 'removed', path, type, fromBytes, toBytes }
  return isSame(before, after) ? undefined : { kind: 'changed', path, type, fromBytes, toBytes }
}

function isSame(one: PointEntry, other: PointEntry): boolean {
  if (one.type !== other.type || one.mode !== other.mode) return false
  return one.type === 'directory' || (one.bytes === other.bytes && one.modifiedAt === other.modifiedAt)
}

/** Adds changes up; bytes are those of files. */
export class ChangeTally {
  private readonly sums = { added: 0, changed: 0, removed: 0, bytesWritten: 0, bytesRemoved: 0 }

  add({ kind, type, fromBytes, toBytes }: PointChange): void {
    this.sums[kind] += 1
    if (type !== 'file') return
    if (kind === 'removed') this.sums.bytesRemoved += fromBytes ?? 0
    else this.sums.bytesWritten += toBytes ?? 0
  }

  get counts(): ChangeCounts {
    return { ...this.sums }
  }
}

/** What is different in `to`, counted. Rejects with the signal's reason when it is aborted in the middle. */
export async function countChanges(from: Listing, to: Listing, signal: AbortSignal): Promise<ChangeCounts> {
  const tally = new ChangeTally()
  for await (const change of changesBetween(from, abortable(to, signal))) tally.add(change)
  return tally.counts
}

/** The same entries, until the signal is aborted. */
export async function* abortable(listing: Listing, signal: AbortSignal): AsyncGenerator<PointEntry, void> {
  for await (const entry of listing) {
    signal.throwIfAborted()
    yield entry
  }
}
