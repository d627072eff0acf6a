import { useVirtualizer } from '@tanstack/vue-virtual'
import { computed, nextTick, type Ref } from 'vue'
import { moveTo } from '../row-keys.ts'

/** Rows that are there beyond each end of what is in sight. */
const OVERSCAN_ROWS = 10

interface RowsOptions<Row> {
  /** What scrolls and has the focus. */
  readonly scroller: Readonly<Ref<HTMLElement | null>>
  readonly rows: () => readonly Row[]
  /** Unique among the rows; the same row keeps it while it changes. */
  readonly keyOf: (row: Row) => string
  /** Every row's height, pixels. */
  readonly rowPx: number
  /** The key of the selected row, which need not be among the rows. */
  readonly selected: Ref<string | null>
  readonly open: (row: Row) => void
}

/** The rows in sight of a list that scrolls, of which one is selected: by key it moves, and Enter opens it. */
export function useRows<Row>(options: RowsOptions<Row>) {
  const { scroller, rows, keyOf, rowPx, selected } = options
  const virtualizer = useVirtualizer(
    computed(() => ({
      count: rows().length,
      getScrollElement: () => scroller.value,
      estimateSize: () => rowPx,
      overscan: OVERSCAN_ROWS,
    })),
  )
  const visible = computed(() =>
    virtualizer.value.getVirtualItems().flatMap(({ index, start }) => {
      const row = rows()[index]
      const place = { transform: `translateY(${start}px)`, height: `${rowPx}px` }
      return row === undefined ? [] : [{ row, key: keyOf(row), index, place }]
    }),
  )
  const selectedIndex = computed(() => rows().findIndex((row) => keyOf(row) === selected.value))

  function select(index: number): void {
    const row = rows()[index]
    if (row === undefined) return
    selected.value = keyOf(row)
    virtualizer.value.scrollToIndex(index)
  }

  function handleKeys(event: KeyboardEvent): void {
    const here = selectedIndex.value
    const target = moveTo(event.key, here, rows().length)
    const row = rows()[here]
    if (target !== null) select(target)
    else if (event.key === 'Enter' && row !== undefined && event.target === scroller.value) options.open(row)
    else return
    event.preventDefault()
  }

  /** Takes the focus; selects the first row if none of them is selected. */
  async function focus(): Promise<void> {
    if (selectedIndex.value < 0) select(0)
    await nextTick()
    scroller.value?.focus()
  }

  return { visible, totalPx: computed(() => virtualizer.value.getTotalSize()), handleKeys, focus }
}
