import { onScopeDispose, ref, shallowRef, watch } from 'vue'
import type { Failure } from '../../../src-shared/error.ts'
import type { DriftReport } from '../../../src-shared/model/drift.ts'
import type { HostId } from '../../../src-shared/model/ids.ts'
import { failureOf, useApi } from '../../api.ts'

/** What a host was found to have left over: looked at when opened, and when asked. The last answer stays meanwhile. */
export function useSurvey(hostId: () => HostId | null) {
  const api = useApi()
  const report = shallowRef<DriftReport | null>(null)
  const failure = shallowRef<Failure | null>(null)
  const isLooking = ref(false)
  let turn = 0
  onScopeDispose(() => (turn += 1))

  async function look(): Promise<void> {
    const id = hostId()
    const mine = (turn += 1)
    failure.value = null
    isLooking.value = id !== null
    if (id === null) return
    try {
      const found = await api.call((client, options) => client.host.drift.list({}, options), { hostId: id })
      if (mine === turn) report.value = found
    } catch (error) {
      if (mine === turn) failure.value = failureOf(error)
    } finally {
      if (mine === turn) isLooking.value = false
    }
  }

  watch(
    hostId,
    () => {
      report.value = null
      void look()
    },
    { immediate: true },
  )
  return { report, failure, isLooking, look }
}
