import { onScopeDispose, shallowRef, watch, type Ref } from 'vue'
import type { Failure } from '../../../src-shared/error.ts'
import type { ChangeCounts, PointChange } from '../../../src-shared/model/recovery-point.ts'
import { failureOf, useApi } from '../../api.ts'
import type { EnvironmentRow } from '../../lib/environment-list.ts'

const PAGE = 200

/** What changed between two chosen points, a page at a time; the answer to an older choice is dropped. */
export function useComparison({ hostId, environment }: EnvironmentRow, chosen: { from: Ref<string>; to: Ref<string> }) {
  const api = useApi()
  const counts = shallowRef<ChangeCounts | null>(null)
  const changes = shallowRef<readonly PointChange[]>([])
  const next = shallowRef<string | null>(null)
  const failure = shallowRef<Failure | null>(null)
  const isReading = shallowRef(false)
  let turn = 0
  onScopeDispose(() => (turn += 1))

  async function load(after: string | null): Promise<void> {
    if (chosen.from.value === '' || chosen.to.value === '') return
    const mine = (turn += 1)
    const points = { from: chosen.from.value as never, to: chosen.to.value as never }
    const input = { environment: environment.id, ...points, limit: PAGE, ...(after === null ? {} : { after }) }
    isReading.value = true
    failure.value = null
    try {
      const page = await api.call((client, options) => client.host.backups.compare(input, options), { hostId })
      if (mine !== turn) return
      counts.value = page.counts
      changes.value = after === null ? page.changes : [...changes.value, ...page.changes]
      next.value = page.next
    } catch (error) {
      if (mine === turn) failure.value = failureOf(error)
    }
    if (mine === turn) isReading.value = false
  }

  const read = (): Promise<void> => {
    counts.value = null
    changes.value = []
    next.value = null
    return load(null)
  }
  watch([chosen.from, chosen.to], read)
  return { counts, changes, next, failure, isReading, read, readMore: () => load(next.value) }
}
