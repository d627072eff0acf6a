import { computed, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import type { Failure } from '../../src-shared/error.ts'
import { failureOf } from '../api.ts'
import type { EnvironmentRow } from '../lib/environment-list.ts'
import { useFleetStore } from './fleet.ts'
import { useEnvironmentView, type EnvironmentView } from './environment-view.ts'
import type { Submitted } from './submitted.ts'

/** What a dialog tells the window that holds it. */
export interface Telling {
  running(isRunning: boolean): void
  close(): void
}

export interface Asking {
  /** As it is now, whatever happened since the dialog was opened; as it was then, where it is gone. */
  readonly row: ComputedRef<EnvironmentRow>
  readonly view: EnvironmentView
  readonly hostName: ComputedRef<string>
  readonly isSending: Ref<boolean>
  readonly failure: ShallowRef<Failure | null>
  /** No answer came: the host may or may not have done it. */
  readonly isUnsure: Ref<boolean>
  /** Asks once, however often it is pressed; closes the dialog when the host has accepted it. */
  readonly ask: (send: () => Promise<Submitted | null>) => Promise<void>
}

/** What every dialog about one environment does around its one question to the host. */
export function useAsking(openedWith: EnvironmentRow, tell: Telling): Asking {
  const fleet = useFleetStore()
  const current = computed(() => fleet.row(openedWith.key))
  const isSending = ref(false)
  const isUnsure = ref(false)
  const failure = shallowRef<Failure | null>(null)

  async function ask(send: () => Promise<Submitted | null>): Promise<void> {
    if (isSending.value) return
    isSending.value = true
    failure.value = null
    tell.running(true)
    try {
      const entry = await send()
      failure.value = entry?.failure ?? null
      isUnsure.value = entry?.answer === 'unsure'
    } catch (error) {
      failure.value = failureOf(error)
    }
    isSending.value = false
    tell.running(false)
    if (failure.value === null) tell.close()
  }

  return {
    row: computed(() => current.value ?? openedWith),
    view: useEnvironmentView(() => current.value),
    hostName: computed(() => fleet.host(openedWith.hostId)?.name ?? ''),
    isSending,
    failure,
    isUnsure,
    ask,
  }
}
