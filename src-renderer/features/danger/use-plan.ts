import { computed, shallowRef, type ComputedRef, type ShallowRef } from 'vue'
import type { Failure } from '../../../src-shared/error.ts'
import type { Plan, Ticket } from '../../../src-shared/model/plan.ts'
import { failureOf, useApi } from '../../api.ts'
import type { EnvironmentRow } from '../../lib/environment-list.ts'
import { useClockStore } from '../../stores/clock.ts'
import type { DangerKind } from '../../stores/dialogs.ts'
import { useFleetStore } from '../../stores/fleet.ts'

interface Offer {
  readonly plan: Plan
  readonly ticket: Ticket
  /** Console clock. */
  readonly expiresAt: number
}

export interface Planning {
  /** Null while the host computes, or where it refused to. */
  readonly offer: ShallowRef<Offer | null>
  /** Why there is no plan. */
  readonly failure: ShallowRef<Failure | null>
  readonly isReading: ShallowRef<boolean>
  readonly leftMs: ComputedRef<number>
  readonly isExpired: ComputedRef<boolean>
  read(): Promise<void>
}

/** The host's plan for one environment, and how long its ticket still lives. Reads the first plan at once. */
export function usePlan(kind: DangerKind, { hostId, environment }: EnvironmentRow): Planning {
  const api = useApi()
  const fleet = useFleetStore()
  const clock = useClockStore()
  const offer = shallowRef<Offer | null>(null)
  const failure = shallowRef<Failure | null>(null)
  const isReading = shallowRef(false)

  async function read(): Promise<void> {
    if (isReading.value) return
    isReading.value = true
    offer.value = null
    failure.value = null
    try {
      const answer = await api.call(
        (client, options) => client.host.environments[kind].plan({ environment: environment.id }, options),
        { hostId },
      )
      offer.value = { ...answer, expiresAt: answer.ticket.expiresAt - fleet.evidenceOf(hostId).clockOffsetMs }
    } catch (error) {
      failure.value = failureOf(error)
    }
    isReading.value = false
  }
  void read()

  const leftMs = computed(() => (offer.value?.expiresAt ?? 0) - clock.now)
  return {
    offer,
    failure,
    isReading,
    leftMs,
    isExpired: computed(() => offer.value !== null && leftMs.value <= 0),
    read,
  }
}
