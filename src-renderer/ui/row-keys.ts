const PAGE_ROWS = 15

/** The row that a key moves to from row `here` (-1 for none) of `count`; null for a key that moves nowhere. */
export function moveTo(key: string, here: number, count: number): number | null {
  const moves: Record<string, number> = {
    ArrowDown: here + 1,
    ArrowUp: here - 1,
    PageDown: here + PAGE_ROWS,
    PageUp: here - PAGE_ROWS,
    Home: 0,
    End: count - 1,
  }
  const target = moves[key]
  return target === undefined || count === 0 ? null : Math.min(count - 1, Math.max(0, target))
}
