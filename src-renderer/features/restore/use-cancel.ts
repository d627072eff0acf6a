import { computed, ref, shallowRef, type ComputedRef, type ShallowRef } from 'vue'
import { roleOfOperation } from '../../../src-shared/contract/operation-roles.ts'
import type { Failure } from '../../../src-shared/error.ts'
import type { HostId } from '../../../src-shared/model/ids.ts'
import type { Operation } from '../../../src-shared/model/operation.ts'
import { failureOf } from '../../api.ts'
import { roleBlock } from '../../lib/role-block.ts'
import { useClockStore } from '../../stores/clock.ts'
import { useCommandsStore } from '../../stores/commands.ts'
import { useFleetStore } from '../../stores/fleet.ts'

export interface Cancelling {
  /** Why it cannot be cancelled now; null when it can. */
  readonly block: ComputedRef<string | null>
  /** Why it was not cancelled. */
  readonly failure: ShallowRef<Failure | null>
  cancel(): Promise<void>
}

/** Asks a running operation to stop, once. */
export function useCancel(hostId: HostId, operation: () => Operation | undefined): Cancelling {
  const fleet = useFleetStore()
  const clock = useClockStore()
  const commands = useCommandsStore()
  const isAsked = ref(false)
  const failure = shallowRef<Failure | null>(null)

  const block = computed(() => {
    if (isAsked.value) return 'It has been asked to stop.'
    const asked = operation()
    if (asked?.isCancellable !== true) return 'This step cannot be cancelled; it ends by itself.'
    return roleBlock(fleet.host(hostId), roleOfOperation(asked.kind), clock.now)
  })

  async function cancel(): Promise<void> {
    const id = operation()?.id
    if (id === undefined || block.value !== null) return
    isAsked.value = true
    failure.value = null
    try {
      await commands.cancel(hostId, id)
    } catch (error) {
      failure.value = failureOf(error)
      isAsked.value = false
    }
  }

  return { block, failure, cancel }
}
