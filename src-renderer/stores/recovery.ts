import { defineStore } from 'pinia'
import { computed, shallowRef, watch } from 'vue'
import { judgeSafely, NEEDS_SOMEONE } from '../lib/freshness.ts'
import { countKinds, type RecoveryRow } from '../lib/recovery-list.ts'
import { useClockStore } from './clock.ts'
import { useFleetStore } from './fleet.ts'

/** Judged again at most this often while the fleet changes, milliseconds. */
const CHANGE_MS = 500
/** Judged again at least this often, since everything ages, milliseconds. */
const AGE_MS = 5000

/** How well the whole fleet is protected, aging by itself. */
export const useRecoveryStore = defineStore('recovery', () => {
  const fleet = useFleetStore()
  const clock = useClockStore()
  const rows = shallowRef<readonly RecoveryRow[]>([])
  let judgedAt = 0
  let timer: ReturnType<typeof setTimeout> | undefined

  function judge(): void {
    clearTimeout(timer)
    timer = undefined
    const now = Date.now()
    judgedAt = now
    const judged: RecoveryRow[] = []
    for (const row of fleet.rows()) {
      const status = fleet.backup(row.key)
      judged.push({ row, status, judged: judgeSafely(status, fleet.evidenceOf(row.hostId), now) })
    }
    rows.value = judged
  }

  watch(() => fleet.isLoaded, judge, { immediate: true })
  watch(
    () => fleet.version,
    () => (timer ??= setTimeout(judge, CHANGE_MS)),
  )
  watch(
    () => clock.now,
    (now) => {
      if (now - judgedAt >= AGE_MS) judge()
    },
  )

  const counts = computed(() => countKinds(rows.value))
  return {
    rows,
    counts,
    /** How many environments need someone. */
    needCount: computed(() => NEEDS_SOMEONE.reduce((sum, kind) => sum + counts.value[kind], 0)),
  }
})
