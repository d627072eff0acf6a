import { computed, ref } from 'vue'

export type Pane = 'console' | 'details' | 'activity'
export type RecordShown = 'operations' | 'activity'

const PANES = [
  { key: 'console', label: 'Console' },
  { key: 'details', label: 'Details' },
  { key: 'activity', label: 'Activity' },
] as const

/**
 * Which pane a narrow window shows, and which list the record shows. They are told together, so that a window that is
 * made narrower or wider goes on with what was being read.
 */
export function usePanes() {
  const chosenPane = ref<Pane>('console')
  const chosenRecord = ref<RecordShown>('operations')

  const pane = computed<Pane>({
    get: () => chosenPane.value,
    set: (next) => {
      chosenPane.value = next
      if (next !== 'console') chosenRecord.value = next === 'activity' ? 'activity' : 'operations'
    },
  })
  const record = computed<RecordShown>({
    get: () => chosenRecord.value,
    set: (next) => {
      chosenRecord.value = next
      if (chosenPane.value !== 'console') chosenPane.value = next === 'activity' ? 'activity' : 'details'
    },
  })
  return { panes: PANES, pane, record }
}
