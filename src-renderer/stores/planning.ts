import { computed, onScopeDispose, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import type { Failure } from '../../src-shared/error.ts'
import type { HostId, RequestId } from '../../src-shared/model/ids.ts'
import type { Plan, Ticket } from '../../src-shared/model/plan.ts'
import { failureOf, useApi } from '../api.ts'
import type { AppClient } from '../transport.ts'
import { useClockStore } from './clock.ts'
import { useFleetStore } from './fleet.ts'

/** A plan, and the permission to run exactly it. */
export interface Offer<P extends Plan> {
  readonly plan: P
  readonly ticket: Ticket
  /** Console clock. */
  readonly expiresAt: number
}

export interface Planning<P extends Plan> {
  /** Null while the host computes, or where it refused to. */
  readonly offer: ShallowRef<Offer<P> | null>
  /** The plan that was read before this one; null where this is the first. */
  readonly before: ShallowRef<P | null>
  /** Why there is no plan. */
  readonly failure: ShallowRef<Failure | null>
  readonly isReading: Ref<boolean>
  /** Console clock: when the plan that is being computed was asked for. */
  readonly askedAt: Ref<number>
  readonly leftMs: ComputedRef<number>
  readonly isExpired: ComputedRef<boolean>
  /** Asks for a plan; while one is being computed, that one is meant. */
  read(): Promise<void>
  /** Gives up the plan that is being computed. Nothing was touched by it. */
  cancel(): void
}

/** Asks the host for a plan, within the signal. */
export type AskForPlan<P extends Plan> = (
  client: AppClient,
  options: { context: { requestId: RequestId }; signal: AbortSignal },
) => Promise<{ plan: P; ticket: Ticket }>

/** The host's plan, and how long its ticket still lives. Whoever leaves gives up what is being computed. */
export function usePlanning<P extends Plan>(hostId: HostId, ask: AskForPlan<P>): Planning<P> {
  const api = useApi()
  const fleet = useFleetStore()
  const clock = useClockStore()
  const offer: ShallowRef<Offer<P> | null> = shallowRef(null)
  const before: ShallowRef<P | null> = shallowRef(null)
  const failure = shallowRef<Failure | null>(null)
  const isReading = ref(false)
  const askedAt = ref(0)
  let asking: AbortController | null = null

  function begin(): AbortController {
    asking = new AbortController()
    isReading.value = true
    askedAt.value = Date.now()
    before.value = offer.value?.plan ?? before.value
    offer.value = null
    failure.value = null
    return asking
  }

  async function read(): Promise<void> {
    if (isReading.value) return
    const mine = begin()
    try {
      const answer = await api.call((client, options) => ask(client, { ...options, signal: mine.signal }), { hostId })
      if (mine !== asking) return
      offer.value = { ...answer, expiresAt: answer.ticket.expiresAt - fleet.evidenceOf(hostId).clockOffsetMs }
    } catch (error) {
      if (mine !== asking) return
      failure.value = failureOf(error)
    }
    isReading.value = false
  }

  function cancel(): void {
    asking?.abort()
    asking = null
    isReading.value = false
  }
  onScopeDispose(cancel)

  const leftMs = computed(() => (offer.value?.expiresAt ?? 0) - clock.now)
  const isExpired = computed(() => offer.value !== null && leftMs.value <= 0)
  return { offer, before, failure, isReading, askedAt, leftMs, isExpired, read, cancel }
}
