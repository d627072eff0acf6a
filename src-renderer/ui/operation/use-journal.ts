import { onScopeDispose, shallowRef, watch } from 'vue'
import type { Failure } from '../../../src-shared/error.ts'
import type { ActivityEntry } from '../../../src-shared/model/activity.ts'
import type { HostId, OperationId, RequestId } from '../../../src-shared/model/ids.ts'
import type { StepEntry } from '../../../src-shared/model/operation.ts'
import { failureOf, useApi } from '../../api.ts'
import { factText } from '../../lib/activity-words.ts'
import { OPERATION_WORDS } from '../../lib/operation-words.ts'
import { useFleetStore } from '../../stores/fleet.ts'

const GAVE_WAY = { action: 'give_way', order: 'newest_first', limit: 20 } as const

/** An operation's journal, read again whenever the operation changes; and, where told, who gave way to whom. */
export function useJournal(hostId: HostId, id: OperationId) {
  const api = useApi()
  const fleet = useFleetStore()
  const steps = shallowRef<StepEntry[] | null>(null)
  const failure = shallowRef<Failure | null>(null)
  const gaveWay = shallowRef<string[]>([])
  let turn = 0
  onScopeDispose(() => (turn += 1))

  async function load(): Promise<void> {
    const mine = (turn += 1)
    try {
      const read = await api.call((client, options) => client.host.operations.steps({ id }, options), { hostId })
      if (mine !== turn) return
      steps.value = read
      failure.value = null
    } catch (error) {
      if (mine === turn) failure.value = failureOf(error)
    }
  }

  async function entriesOf(about: { operation: OperationId } | { request: RequestId }): Promise<ActivityEntry[]> {
    const input = { ...GAVE_WAY, ...about }
    const answer = await api.call((client, options) => client.host.activity.list(input, options), { hostId })
    return answer.entries
  }

  /** What the record does not tell is left out; the steps are what was asked for. */
  async function loadGaveWay(): Promise<void> {
    const requestId = fleet.operation(hostId, id)?.requestId
    try {
      const own = await entriesOf({ operation: id })
      const others = requestId === undefined ? [] : await entriesOf({ request: requestId })
      gaveWay.value = [...own, ...others.filter(({ operationId }) => operationId !== id)].map((entry) =>
        says(entry, id),
      )
    } catch {
      gaveWay.value = []
    }
  }

  watch(() => fleet.operation(hostId, id), load, { immediate: true })
  void loadGaveWay()
  return { steps, failure, gaveWay, load }
}

function says({ operationId, actor, detail }: ActivityEntry, id: OperationId): string {
  if (operationId !== id) return `${operationId ?? 'Another operation'} gave way to it.`
  const kind = factText(detail, 'kind')
  const word =
    Object.entries(OPERATION_WORDS)
      .find(([key]) => key === kind)?.[1]
      .toLowerCase() ?? 'another operation'
  return `It gave way to ${word}${actor === null ? '' : ` by ${actor.user}`} (${factText(detail, 'gaveWayTo')}).`
}
