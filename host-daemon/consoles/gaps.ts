import type { ConsoleGap } from '../../src-shared/model/console.ts'

/** A gap whose length is known: those very bytes are gone. */
export interface KnownGap extends ConsoleGap {
  readonly length: number
}

/**
 * Gaps in rising order without overlaps: touching ones of one reason are one, and what is recorded inside a known
 * gap is part of it.
 */
export function normaliseGaps(gaps: readonly ConsoleGap[]): ConsoleGap[] {
  const merged: ConsoleGap[] = []
  for (const gap of [...gaps].sort((a, b) => a.offset - b.offset || longestFirst(a, b))) {
    const last = merged.at(-1)
    if (last === undefined || !isKnown(last) || !joins(last, gap)) merged.push(gap)
    else merged[merged.length - 1] = { ...last, length: Math.max(endOf(last), endOf(gap)) - last.offset }
  }
  return merged
}

function longestFirst(a: ConsoleGap, b: ConsoleGap): number {
  return (b.length ?? -1) - (a.length ?? -1)
}

/** A gap of unknown length stands between two bytes; it vanishes only when both are gone. */
function joins(last: KnownGap, gap: ConsoleGap): boolean {
  if (gap.length === null) return gap.offset < endOf(last)
  return gap.offset < endOf(last) || (gap.offset === endOf(last) && gap.reason === last.reason)
}

export function isKnown(gap: ConsoleGap): gap is KnownGap {
  return gap.length !== null
}

/** One past the last byte that the gap took; its own offset where nobody knows how many. */
export function endOf(gap: ConsoleGap): number {
  return gap.offset + (gap.length ?? 0)
}

/** The gap that the byte at `offset` fell into. */
export function gapAt(gaps: readonly ConsoleGap[], offset: number): KnownGap | undefined {
  return gaps.filter(isKnown).find((gap) => gap.offset <= offset && offset < endOf(gap))
}

/** Where the bytes that follow `offset` end, because a gap begins; Infinity where none does. */
export function nextGapAfter(gaps: readonly ConsoleGap[], offset: number): number {
  return Math.min(...gaps.filter((gap) => gap.offset > offset).map((gap) => gap.offset), Number.POSITIVE_INFINITY)
}

/** The first byte that is still kept. */
export function firstKeptOffset(gaps: readonly ConsoleGap[]): number {
  let offset = 0
  for (let gap = gapAt(gaps, 0); gap !== undefined; gap = gapAt(gaps, offset)) offset = endOf(gap)
  return offset
}

/** One past the newest byte that the journal ever had, whether or not its file still has it. */
export function endOffsetOf(gaps: readonly ConsoleGap[], fileBytes: number): number {
  return Math.max(fileBytes, ...gaps.map(endOf))
}
