/** One column of a table of rows. Its cells and its head carry the class `col-` and its key. */
export interface Column<Sort extends string> {
  readonly key: string
  readonly label: string
  /** What a press of its head sorts by; null: nothing. */
  readonly sort: Sort | null
  /** The label is for screen readers alone. */
  readonly isLabelHidden?: boolean
}
