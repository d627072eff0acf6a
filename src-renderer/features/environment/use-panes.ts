import { computed, ref, watch } from 'vue'
import { useRoute } from 'vue-router'

export type Pane = 'console' | 'backups' | 'details' | 'activity'
export type RecordShown = 'operations' | 'activity'

const PANES = [
  { key: 'console', label: 'Console' },
  { key: 'backups', label: 'Backups' },
  { key: 'details', label: 'Details' },
  { key: 'activity', label: 'Activity' },
] as const

/** In a wide window the details and the record stand beside these. */
const MAIN_PANES = [
  { key: 'console', label: 'Console' },
  { key: 'backups', label: 'Backups' },
] as const
export type MainPane = (typeof MAIN_PANES)[number]['key']

/**
 * Which pane a narrow window shows, and which list the record shows. They are told together, so that a window that is
 * made narrower or wider goes on with what was being read. The address may name the pane to begin with.
 */
export function usePanes() {
  const route = useRoute()
  const chosenPane = ref<Pane>('console')
  const chosenRecord = ref<RecordShown>('operations')

  const pane = computed<Pane>({
    get: () => chosenPane.value,
    set: (next) => {
      chosenPane.value = next
      if (next === 'details' || next === 'activity')
        chosenRecord.value = next === 'activity' ? 'activity' : 'operations'
    },
  })
  const record = computed<RecordShown>({
    get: () => chosenRecord.value,
    set: (next) => {
      chosenRecord.value = next
      if (chosenPane.value === 'details' || chosenPane.value === 'activity')
        chosenPane.value = next === 'activity' ? 'activity' : 'details'
    },
  })
  const mainPane = computed<MainPane>({
    get: () => (chosenPane.value === 'backups' ? 'backups' : 'console'),
    set: (next) => (chosenPane.value = next),
  })
  watch(
    () => route.query['pane'],
    (named) => {
      if (named === 'backups' || named === 'console') chosenPane.value = named
    },
    { immediate: true },
  )
  return { panes: PANES, mainPanes: MAIN_PANES, pane, mainPane, record }
}
