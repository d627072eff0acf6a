export interface Datable {
  readonly seenAt: number
}

/**
 * Which of `heads`, oldest first, go so that at most `most` stay. The first and the newest always stay; of the others
 * the one goes, again and again, whose neighbours are closest together for its age: what stays lies seconds apart where
 * it is new, and days apart where it is old.
 */
export function surplusOf<T extends Datable>(heads: readonly T[], most: number): T[] {
  const kept = [...heads]
  const gone: T[] = []
  while (kept.length > Math.max(most, 2)) gone.push(...kept.splice(densestOf(kept), 1))
  return gone
}

function densestOf(heads: readonly Datable[]): number {
  const newest = heads.at(-1)?.seenAt ?? 0
  let densest = { at: 1, share: Number.POSITIVE_INFINITY }
  for (let at = 1; at < heads.length - 1; at++) {
    const [before, here, after] = [heads[at - 1], heads[at], heads[at + 1]].map((head) => head?.seenAt ?? 0)
    const share = ((after ?? 0) - (before ?? 0)) / (newest - (here ?? 0) + 1)
    if (share < densest.share) densest = { at, share }
  }
  return densest.at
}
