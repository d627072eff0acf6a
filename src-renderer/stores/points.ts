import { computed, onScopeDispose, shallowRef, watch, type ComputedRef, type ShallowRef } from 'vue'
import type { Failure } from '../../src-shared/error.ts'
import type { RecoveryPoint } from '../../src-shared/model/recovery-point.ts'
import { failureOf, useApi } from '../api.ts'
import type { EnvironmentRow } from '../lib/environment-list.ts'
import { useFleetStore } from './fleet.ts'

/** Points a page. */
const PAGE = 200

export interface PointsRead {
  /** Newest first; null until they were read once. They stay while a newer answer is awaited or fails. */
  readonly points: ShallowRef<readonly RecoveryPoint[] | null>
  readonly failure: ShallowRef<Failure | null>
  readonly isReading: ShallowRef<boolean>
  /** There may be older ones. */
  readonly hasMore: ComputedRef<boolean>
  readonly read: () => Promise<void>
  readonly readMore: () => Promise<void>
}

/** Whose points, and whether those count that are no longer in the repository. */
interface PointsSource {
  row(): EnvironmentRow | undefined
  isForgottenIncluded(): boolean
}

/** The points as they were last read, page by page; of answers that cross, the last question's counts. */
function usePages(source: PointsSource): PointsRead {
  const api = useApi()
  const points = shallowRef<readonly RecoveryPoint[] | null>(null)
  const failure = shallowRef<Failure | null>(null)
  const isReading = shallowRef(false)
  const isWhole = shallowRef(false)
  let turn = 0
  onScopeDispose(() => (turn += 1))

  async function ask(row: EnvironmentRow, page: { limit: number; before?: number }): Promise<RecoveryPoint[]> {
    const isForgottenIncluded = source.isForgottenIncluded()
    const input = { environment: row.environment.id, isForgottenIncluded, ...page }
    return await api.call((client, options) => client.host.backups.points(input, options), { hostId: row.hostId })
  }

  async function load(page: { limit: number; before?: number }, kept: readonly RecoveryPoint[]): Promise<void> {
    const row = source.row()
    if (row === undefined) return
    const mine = (turn += 1)
    isReading.value = true
    try {
      const answer = await ask(row, page)
      if (mine !== turn) return
      points.value = [...kept, ...answer]
      isWhole.value = answer.length < page.limit
      failure.value = null
    } catch (error) {
      if (mine === turn) failure.value = failureOf(error)
    }
    if (mine === turn) isReading.value = false
  }

  const read = (): Promise<void> => load({ limit: Math.min(1000, Math.max(PAGE, points.value?.length ?? 0)) }, [])
  const readMore = (): Promise<void> => {
    const kept = points.value ?? []
    const oldest = kept.at(-1)
    return oldest === undefined ? read() : load({ limit: PAGE, before: oldest.takenAt }, kept)
  }

  const hasMore = computed(() => points.value !== null && !isWhole.value)
  return { points, failure, isReading, hasMore, read, readMore }
}

/** The points of one environment, read again whenever its host says that something about them changed. */
export function usePoints(source: PointsSource): PointsRead {
  const fleet = useFleetStore()
  const pages = usePages(source)

  /** What the list depends on, as its host tells it. */
  const version = computed(() => {
    const key = source.row()?.key ?? ''
    const status = fleet.backup(key)
    const facts = [status?.latest?.id, status?.pointCount, status?.lastVerifiedAt, status?.lastDrill?.at]
    return [key, source.isForgottenIncluded(), ...facts].join('/')
  })
  watch(
    version,
    (now, before) => {
      if (before !== undefined && now.split('/')[1] !== before.split('/')[1]) pages.points.value = null
      void pages.read()
    },
    { immediate: true },
  )

  return pages
}
