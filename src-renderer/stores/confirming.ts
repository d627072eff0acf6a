import { computed, ref, shallowRef, type ComputedRef, type Ref, type ShallowRef } from 'vue'
import type { ErrorCode, Failure } from '../../src-shared/error.ts'
import type { Plan } from '../../src-shared/model/plan.ts'
import { commandIds } from '../lib/ids.ts'
import type { TicketedRequest } from './commands.ts'
import type { Planning } from './planning.ts'
import type { Submitted } from './submitted.ts'

/** After these the same ticket may be used again; after any other the plan has to be read anew. */
const TICKET_STANDS: ReadonlySet<ErrorCode> = new Set([
  ...(['operation_in_flight', 'host_unreachable', 'deadline_exceeded', 'cancelled', 'storage_failed'] as const),
  ...(['invalid_request', 'repository_locked', 'repository_unreachable'] as const),
])

interface ConfirmingSource {
  readonly planning: Planning<Plan>
  /** What is to be typed, where the plan asks for it. */
  name(): string
  /** Why it could not be run now, whatever the plan says; null where it could. */
  block(): string | null
  send(request: TicketedRequest): Promise<Submitted>
  running(isRunning: boolean): void
  accepted(entry: Submitted): void
}

export interface Confirming {
  readonly typedName: Ref<string>
  readonly reason: Ref<string>
  readonly isSending: Ref<boolean>
  /** Why the host did not run it; null where it was not asked yet. */
  readonly refusal: ComputedRef<Failure | null>
  /** The refusal, or why there is no plan. */
  readonly failure: ComputedRef<Failure | null>
  readonly failureTitle: ComputedRef<string>
  /** What the host says has changed since the plan, a phrase each. */
  readonly changes: ComputedRef<readonly string[]>
  /** This plan will not be run any more. */
  readonly needsNewPlan: ComputedRef<boolean>
  /** Why it cannot be confirmed now; null when it can. */
  readonly block: ComputedRef<string | null>
  /** Reads the plan anew; what was typed was typed for the old one. */
  replan(): void
  /** Runs the plan, once, however often it is pressed. */
  run(): Promise<void>
}

function changesOf(failure: Failure | null): readonly string[] {
  const told = failure?.code === 'plan_outdated' ? failure.details?.['changes'] : undefined
  return Array.isArray(told) ? told.filter((each): each is string => typeof each === 'string') : []
}

/** What the host said to the last attempt, and what that makes of the plan. */
function useAnswer(answered: ShallowRef<Submitted | null>) {
  const refusal = computed(() => answered.value?.failure ?? null)
  const needsNewPlan = computed(() => refusal.value !== null && !TICKET_STANDS.has(refusal.value.code))
  const isUnsure = computed(() => answered.value?.answer === 'unsure')

  const failureTitle = computed(() => {
    if (refusal.value === null) return 'There is no plan, and nothing was touched.'
    if (isUnsure.value) return 'No answer came. Pressing again cannot do it twice.'
    return needsNewPlan.value
      ? 'This plan is not run any more. Nothing was touched.'
      : 'Nothing was touched by this attempt.'
  })
  return { refusal, needsNewPlan, isUnsure, failureTitle, changes: computed(() => changesOf(refusal.value)) }
}

/** What is typed to confirm a plan, and its one run. */
export function useConfirming(source: ConfirmingSource): Confirming {
  const { planning } = source
  const typedName = ref('')
  const reason = ref('')
  const isSending = ref(false)
  const answered = shallowRef<Submitted | null>(null)
  const commandIdFor = commandIds()
  const { isUnsure, ...told } = useAnswer(answered)

  const block = computed(() => {
    const offer = planning.offer.value
    if (planning.isReading.value) return 'The host is computing the plan.'
    if (offer === null) return 'There is no plan to run.'
    if (told.needsNewPlan.value) return 'Read the new plan first.'
    if (planning.isExpired.value) return 'This plan has expired. Read the new one.'
    const blocked = isUnsure.value ? null : source.block()
    if (blocked !== null) return blocked
    return offer.plan.needsName && typedName.value !== source.name() ? `Type ${source.name()} to confirm.` : null
  })

  function replan(): void {
    typedName.value = ''
    answered.value = null
    void planning.read()
  }

  async function run(): Promise<void> {
    const offer = planning.offer.value
    if (offer === null || isSending.value || block.value !== null) return
    isSending.value = true
    source.running(true)
    answered.value = null
    const asked = { ticket: offer.ticket.id, confirmName: typedName.value, reason: reason.value }
    const entry = await source.send({ ...asked, commandId: commandIdFor(asked) })
    isSending.value = false
    source.running(false)
    if (entry.failure === null) source.accepted(entry)
    else answered.value = { ...entry }
  }

  return {
    typedName,
    reason,
    isSending,
    ...told,
    failure: computed(() => told.refusal.value ?? planning.failure.value),
    block,
    replan,
    run,
  }
}
