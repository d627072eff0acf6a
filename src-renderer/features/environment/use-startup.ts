import { computed, ref, watch, type ComputedRef } from 'vue'
import { PHASES, type Phase } from '../../../src-shared/model/environment.ts'
import type { CommandId, HostId } from '../../../src-shared/model/ids.ts'
import type { Operation } from '../../../src-shared/model/operation.ts'
import { rowKey, type EnvironmentRow } from '../../lib/environment-list.ts'
import { useCommandsStore, type Submitted } from '../../stores/commands.ts'
import { useFleetStore } from '../../stores/fleet.ts'

export interface Startup {
  /** The command of this window that is behind what is shown, if it is one of ours. */
  readonly submitted: ComputedRef<Submitted | undefined>
  /** The newest operation of this environment that is running, or that ended as its last. */
  readonly operation: ComputedRef<Operation | undefined>
  /** Where a start stands; null when nothing is starting. */
  readonly phase: ComputedRef<Phase | null>
  readonly attempt: ComputedRef<number | null>
  /** Console clock: the click, or where it was made elsewhere, when the host took it. Never changes back. */
  readonly startedAt: ComputedRef<number | null>
}

interface StartupSource {
  hostId(): HostId
  row(): EnvironmentRow | undefined
  /** An environment id, or the id of the command that is making it. */
  reference(): string
}

/** Where the start of an environment stands, from the click on, before the host has even answered. */
export function useStartup(source: StartupSource): Startup {
  const fleet = useFleetStore()
  const commands = useCommandsStore()

  const operation = computed(() => {
    void fleet.version
    const environmentId = source.row()?.environment.id ?? submittedByAddress.value?.environmentId ?? source.reference()
    let newest: Operation | undefined
    for (const { hostId, operation: each } of fleet.operations()) {
      if (hostId !== source.hostId() || each.environmentId !== environmentId) continue
      if (newest === undefined || each.requestedAt >= newest.requestedAt) newest = each
    }
    return newest
  })
  const submittedByAddress = computed(() => commands.submitted.get(source.reference() as CommandId))
  const unanswered = computed(() => {
    const id = source.row()?.environment.id
    if (id === undefined) return undefined
    return [...commands.submitted.values()].reverse().find((each) => each.environmentId === id && each.answer !== 'accepted')
  })
  const submitted = computed(() => {
    const operationCommand = operation.value && commands.submitted.get(operation.value.commandId)
    return submittedByAddress.value ?? (unanswered.value?.answer === 'sending' ? unanswered.value : operationCommand)
  })

  const isRunning = computed(() => operation.value?.status.kind === 'running')
  const isSending = computed(() => submitted.value?.answer === 'sending')
  const rawPhase = computed<Phase | null>(() => {
    const observed = source.row()?.environment.observed
    if (isSending.value && submitted.value?.kind !== 'stop' && submitted.value?.kind !== 'destroy') return 'requested'
    if (isRunning.value && operation.value?.phase != null) return operation.value.phase
    if (observed?.kind === 'creating' || observed?.kind === 'booting') return observed.phase
    return submittedByAddress.value?.answer === 'accepted' && source.row() === undefined ? 'requested' : null
  })

  // Two sources tell of the phase, and they may cross on the way: within one start it never goes back.
  const highest = ref<{ key: string; index: number }>({ key: '', index: 0 })
  const startKey = computed(() => {
    const key = submitted.value?.commandId ?? operation.value?.id ?? rowKey(source.hostId(), source.reference())
    return `${key}#${operation.value?.attempt ?? 1}`
  })
  watch(
    [rawPhase, startKey],
    ([phase, key]) => {
      const index = phase === null ? 0 : PHASES.indexOf(phase)
      const isSame = highest.value.key === key
      highest.value = { key, index: isSame ? Math.max(index, highest.value.index) : index }
    },
    { immediate: true, flush: 'sync' },
  )

  return {
    submitted,
    operation,
    phase: computed(() => (rawPhase.value === null ? null : (PHASES[highest.value.index] ?? rawPhase.value))),
    attempt: computed(() => {
      const observed = source.row()?.environment.observed
      return operation.value?.attempt ?? (observed?.kind === 'booting' ? observed.attempt : null)
    }),
    startedAt: computed(() => {
      if (submitted.value !== undefined) return submitted.value.clickedAt
      if (operation.value === undefined) return null
      return operation.value.requestedAt - fleet.evidenceOf(source.hostId()).clockOffsetMs
    }),
  }
}
