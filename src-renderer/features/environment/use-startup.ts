import { computed, ref, watch, type ComputedRef } from 'vue'
import { PHASES, type ObservedState, type Phase } from '../../../src-shared/model/environment.ts'
import type { CommandId, HostId } from '../../../src-shared/model/ids.ts'
import type { Operation } from '../../../src-shared/model/operation.ts'
import { rowKey, type EnvironmentRow } from '../../lib/environment-list.ts'
import { useCommandsStore } from '../../stores/commands.ts'
import { useFleetStore } from '../../stores/fleet.ts'
import type { Submitted } from '../../stores/submitted.ts'

export interface Startup {
  /** The command of this window that is behind what is shown, if it is one of ours. */
  readonly submitted: ComputedRef<Submitted | undefined>
  /** The newest operation of this environment, running or ended. */
  readonly operation: ComputedRef<Operation | undefined>
  /** Where a start stands; null when nothing is starting. Within one attempt it never goes back. */
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

type Behind = Pick<Startup, 'submitted' | 'operation'>

/** The command and the operation that are behind what the screen shows. */
function useBehind(source: StartupSource): Behind {
  const fleet = useFleetStore()
  const commands = useCommandsStore()
  const spawned = computed(() => commands.submitted.get(source.reference() as CommandId))
  const environmentId = computed(
    () => source.row()?.environment.id ?? spawned.value?.environmentId ?? source.reference(),
  )

  const operation = computed(() => {
    let newest: Operation | undefined
    for (const { hostId, operation: each } of fleet.operations()) {
      if (hostId !== source.hostId() || each.environmentId !== environmentId.value) continue
      if (newest === undefined || each.requestedAt >= newest.requestedAt) newest = each
    }
    return newest
  })
  /** The newest command of this window for it; events about it may still be on their way. */
  const own = computed(() =>
    [...commands.submitted.values()].findLast((each) => each.environmentId === environmentId.value),
  )
  const submitted = computed(() => {
    const mine = spawned.value ?? own.value
    const it = operation.value
    if (mine === undefined || it === undefined || it.commandId === mine.commandId) return mine
    const { clockOffsetMs } = fleet.evidenceOf(source.hostId())
    return it.requestedAt - clockOffsetMs > mine.clickedAt ? undefined : mine
  })
  return { operation, submitted }
}

/** Two sources tell of the phase, and they may cross on the way: for one key it only goes forward. */
function useForwardPhase(phase: ComputedRef<Phase | null>, key: ComputedRef<string>): ComputedRef<Phase | null> {
  const highest = ref({ key: '', index: 0 })
  watch(
    [phase, key],
    ([now, nowKey]) => {
      const index = now === null ? 0 : PHASES.indexOf(now)
      const isSame = highest.value.key === nowKey
      highest.value = { key: nowKey, index: isSame ? Math.max(index, highest.value.index) : index }
    },
    { immediate: true, flush: 'sync' },
  )
  return computed(() => (phase.value === null ? null : (PHASES[highest.value.index] ?? phase.value)))
}

function observedPhase(observed: ObservedState | undefined): Phase | null {
  return observed?.kind === 'creating' || observed?.kind === 'booting' ? observed.phase : null
}

/** A start that this window asked for, of which no event has come yet. */
function isOnItsWay(submitted: Submitted | undefined, operation: Operation | undefined): boolean {
  if (submitted === undefined || submitted.kind === 'stop' || submitted.kind === 'destroy') return false
  if (submitted.answer === 'sending') return true
  return submitted.answer === 'accepted' && operation?.commandId !== submitted.commandId
}

/** Where the start of an environment stands, from the click on, before the host has even answered. */
export function useStartup(source: StartupSource): Startup {
  const fleet = useFleetStore()
  const { operation, submitted } = useBehind(source)
  const observed = computed(() => source.row()?.environment.observed)

  const told = computed<Phase | null>(() => {
    if (isOnItsWay(submitted.value, operation.value)) return 'requested'
    const running = operation.value?.status.kind === 'running' ? operation.value.phase : null
    return running ?? observedPhase(observed.value)
  })
  const attempt = computed(() => {
    const seen = observed.value?.kind === 'booting' ? observed.value.attempt : null
    return operation.value?.attempt ?? seen
  })
  const key = computed(() => {
    const start = submitted.value?.commandId ?? operation.value?.id ?? rowKey(source.hostId(), source.reference())
    return `${start}#${attempt.value ?? 1}`
  })
  const startedAt = computed(() => {
    if (submitted.value !== undefined) return submitted.value.clickedAt
    if (operation.value === undefined) return null
    return operation.value.requestedAt - fleet.evidenceOf(source.hostId()).clockOffsetMs
  })
  return { submitted, operation, phase: useForwardPhase(told, key), attempt, startedAt }
}
