/** By which column a list stands, and which way round. */
export interface SortOrder<Key extends string> {
  readonly key: Key
  readonly isDescending: boolean
}

/** The order after a press on a column's head: ascending first, the other way round at each further press. */
export function pressedOrder<Key extends string>(order: SortOrder<Key>, key: Key): SortOrder<Key> {
  return { key, isDescending: order.key === key && !order.isDescending }
}

/** What the head that sorts by `key` says of the order. */
export function ariaSort<Key extends string>(order: SortOrder<Key>, key: Key): 'ascending' | 'descending' | 'none' {
  if (order.key !== key) return 'none'
  return order.isDescending ? 'descending' : 'ascending'
}

/** By code units, the same in every locale. */
export function compare(a: string | number, b: string | number): number {
  return a < b ? -1 : a > b ? 1 : 0
}
