import { computed, onScopeDispose, watch, type ComputedRef } from 'vue'
import { CHAIN_START } from '../../../src-shared/model/activity.ts'
import type { HostId } from '../../../src-shared/model/ids.ts'
import { failureOf, useApi } from '../../api.ts'
import { useFleetStore } from '../../stores/fleet.ts'
import { ActivityReader, type HostPart } from './activity-reader.ts'
import { mergeActivity, type ActivityLine } from './merge-activity.ts'
import type { ActivityFilter, ListActivity } from './read-activity.ts'

export interface ActivityReading {
  readonly lines: ComputedRef<ActivityLine[]>
  readonly parts: ComputedRef<HostPart[]>
  /** No host has answered yet, and one may. */
  readonly isLoading: ComputedRef<boolean>
  readonly isReadingOn: ComputedRef<boolean>
  readonly hasMore: ComputedRef<boolean>
  readonly newsCount: ComputedRef<number>
  showNews(): void
  readOn(): void
  retry(hostId: HostId): void
}

interface Asked {
  readonly hostIds: () => readonly HostId[]
  readonly filter: () => ActivityFilter
  /** Someone is reading: new entries are counted, not shown. */
  readonly isHolding: () => boolean
}

/** The call of one host; an environment that the host does not know has left no record there. */
function useListOf(): (hostId: HostId) => ListActivity {
  const api = useApi()
  const fleet = useFleetStore()
  return (hostId) => async (input) => {
    try {
      return await api.call((client, options) => client.host.activity.list(input, options), { hostId })
    } catch (error) {
      if (input.environment === undefined || failureOf(error).code !== 'not_found') throw error
      return { entries: [], head: fleet.activityHead(hostId) ?? CHAIN_START }
    }
  }
}

/** The records of several hosts as one timeline that follows them; ends with the component. */
export function useActivity({ hostIds, filter, isHolding }: Asked): ActivityReading {
  const fleet = useFleetStore()
  const offsetOf = (hostId: HostId): number => fleet.evidenceOf(hostId).clockOffsetMs
  const reader = new ActivityReader({
    list: useListOf(),
    host: fleet.host,
    headOf: fleet.activityHead,
    offsetOf,
    now: () => Date.now(),
    isHolding,
  })
  const asked = computed(() => JSON.stringify([hostIds(), filter()]))
  watch(asked, () => reader.start(hostIds(), filter()), { immediate: true })
  watch(
    () => fleet.version,
    () => reader.takeUp(),
  )
  onScopeDispose(() => reader.stop())
  return { ...summaryOf(reader, offsetOf), ...controlsOf(reader) }
}

function summaryOf(reader: ActivityReader, offsetOf: (hostId: HostId) => number) {
  const parts = computed(() => [...reader.parts.values()])
  return {
    parts,
    lines: computed(() => mergeActivity(parts.value, offsetOf)),
    isLoading: computed(
      () => parts.value.every(({ readTo }) => readTo === null) && parts.value.some(({ isReading }) => isReading),
    ),
    isReadingOn: computed(() => parts.value.some(({ isReading, readTo }) => isReading && readTo !== null)),
    hasMore: computed(() => parts.value.some(({ hasMore }) => hasMore)),
    newsCount: computed(() => parts.value.reduce((sum, { news }) => sum + news.length, 0)),
  }
}

function controlsOf(reader: ActivityReader) {
  return {
    showNews: () => reader.showNews(),
    readOn: () => reader.readOn(),
    retry: (hostId: HostId) => reader.retry(hostId),
  }
}
