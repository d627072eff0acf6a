import { computed, ref, shallowRef, watch, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import type { HostId } from '../../../src-shared/model/ids.ts'
import type { FreshnessKind } from '../../lib/freshness.ts'
import {
  countKinds,
  inOldPlaces,
  matchingRows,
  orderRows,
  type FreshnessCounts,
  type RecoveryRow,
  type RecoverySortKey,
} from '../../lib/recovery-list.ts'
import { pressedOrder, type SortOrder } from '../../lib/sort-order.ts'
import { useFleetStore } from '../../stores/fleet.ts'
import { useRecoveryStore } from '../../stores/recovery.ts'

export interface RecoveryList {
  readonly text: Ref<string>
  readonly hostId: Ref<HostId | null>
  readonly owner: Ref<string | null>
  readonly kind: Ref<FreshnessKind | null>
  readonly order: Ref<SortOrder<RecoverySortKey>>
  /** While it is held, rows keep their places: someone is about to press one of them. */
  readonly isHeld: Ref<boolean>
  /** Filtered, in order. */
  readonly rows: ShallowRef<readonly RecoveryRow[]>
  /** Of what fits everything but the class. */
  readonly counts: ComputedRef<FreshnessCounts>
  /** Owners that there are. */
  readonly owners: ComputedRef<readonly string[]>
  readonly isFiltered: ComputedRef<boolean>
  sortBy(key: RecoverySortKey): void
  clear(): void
}

/** The list of the recovery screen: the fleet as it was last judged, what fits, what needs someone first. */
export function useRecoveryList(): RecoveryList {
  const fleet = useFleetStore()
  const recovery = useRecoveryStore()
  const text = ref('')
  const hostId = ref<HostId | null>(null)
  const owner = ref<string | null>(null)
  const kind = ref<FreshnessKind | null>(null)
  const order = ref<SortOrder<RecoverySortKey>>({ key: 'freshness', isDescending: false })
  const isHeld = ref(false)
  const rows = shallowRef<readonly RecoveryRow[]>([])
  const hostName = (id: HostId): string => fleet.hostNames.get(id) ?? ''

  const matching = computed(() =>
    matchingRows(recovery.rows, { text: text.value, hostId: hostId.value, owner: owner.value }, hostName),
  )
  const wanted = computed(() =>
    matching.value.filter(({ judged }) => kind.value === null || judged.kind === kind.value),
  )

  watch(
    [wanted, isHeld, order, text, hostId, owner, kind] as const,
    ([now, held, ...query], [, , ...before]) => {
      const isSameQuery = query.every((part, index) => part === before[index])
      const ordered = orderRows(now, order.value, hostName)
      rows.value = held && isSameQuery ? inOldPlaces(ordered, rows.value) : ordered
    },
    { immediate: true },
  )

  return {
    text,
    hostId,
    owner,
    kind,
    order,
    isHeld,
    rows,
    counts: computed(() => countKinds(matching.value)),
    owners: computed(() => [...new Set(recovery.rows.map(({ row }) => String(row.environment.owner)))].sort()),
    isFiltered: computed(
      () => text.value !== '' || hostId.value !== null || owner.value !== null || kind.value !== null,
    ),
    sortBy(key) {
      order.value = pressedOrder(order.value, key)
    },
    clear() {
      text.value = ''
      hostId.value = null
      owner.value = null
      kind.value = null
    },
  }
}
