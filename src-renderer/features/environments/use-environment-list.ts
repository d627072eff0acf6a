import { computed, onBeforeUnmount, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import type { HostId } from '../../../src-shared/model/ids.ts'
import { environmentShown, seenAt } from '../../lib/environment-state.ts'
import { listRows, type EnvironmentRow, type SortKey } from '../../lib/environment-list.ts'
import { pressedOrder, type SortOrder } from '../../lib/sort-order.ts'
import { useClockStore } from '../../stores/clock.ts'
import { useFleetStore } from '../../stores/fleet.ts'

/** Order and filter are computed again at most this often while the fleet changes, milliseconds. */
const REORDER_MS = 250

export interface EnvironmentList {
  readonly text: Ref<string>
  readonly order: Ref<SortOrder<SortKey>>
  /** Rows in order. What a row shows is read anew each frame; its place only every quarter of a second. */
  readonly rows: ShallowRef<EnvironmentRow[]>
  readonly total: ComputedRef<number>
  current(row: EnvironmentRow): EnvironmentRow
  sortBy(key: SortKey): void
}

/** The filtered, sorted list of the fleet, or of one host; quick with tens of thousands of rows. */
export function useEnvironmentList(hostId: () => HostId | null): EnvironmentList {
  const fleet = useFleetStore()
  const clock = useClockStore()
  const text = ref('')
  const order = ref<SortOrder<SortKey>>({ key: 'name', isDescending: false })
  const rows = shallowRef<EnvironmentRow[]>([])
  let timer: ReturnType<typeof setTimeout> | undefined

  function reorder(): void {
    clearTimeout(timer)
    timer = undefined
    const now = clock.now
    const query = { text: text.value, hostId: hostId(), order: order.value }
    rows.value = listRows(fleet.rows(), query, {
      hostName: (id) => fleet.host(id)?.name ?? '',
      stateWord: (row) => environmentShown(row.environment, fleet.evidenceOf(row.hostId), now).word.toLowerCase(),
      seenAt: (row) => seenAt(row.environment, fleet.evidenceOf(row.hostId)),
    })
  }

  function reorderSoon(): void {
    timer ??= setTimeout(reorder, REORDER_MS)
  }

  watch([text, order, hostId, () => fleet.isLoaded], reorder, { immediate: true })
  watch(() => fleet.version, reorderSoon)
  watch(() => clock.now, reorderSoon)
  onBeforeUnmount(() => clearTimeout(timer))

  return {
    text,
    order,
    rows,
    total: computed(() => {
      const id = hostId()
      return id === null ? fleet.environmentCount : (fleet.countsByHost.get(id) ?? 0)
    }),
    current: (row) => fleet.row(row.key) ?? row,
    sortBy(key) {
      order.value = pressedOrder(order.value, key)
    },
  }
}
