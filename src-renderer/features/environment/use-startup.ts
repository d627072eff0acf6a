import { computed, ref, watch, type ComputedRef } from 'vue'
import { PHASES, type ObservedState, type Phase } from '../../../src-shared/model/environment.ts'
import type { CommandId, HostId, RequestId } from '../../../src-shared/model/ids.ts'
import type { Operation } from '../../../src-shared/model/operation.ts'
import { rowKey, type EnvironmentRow } from '../../lib/environment-list.ts'
import { isAside, startsGuest } from '../../lib/operation-words.ts'
import { useCommandsStore } from '../../stores/commands.ts'
import { useFleetStore } from '../../stores/fleet.ts'
import type { Submitted } from '../../stores/submitted.ts'

export interface Startup {
  /** Its id, or the id of the command that is making it while nothing else is known. */
  readonly environmentId: ComputedRef<string>
  /** Undefined while the host does not list it. */
  readonly row: ComputedRef<EnvironmentRow | undefined>
  /** The command of this window that is behind what is shown, if it is one of ours. */
  readonly submitted: ComputedRef<Submitted | undefined>
  /** The newest operation of this environment, running or ended; not what only goes on beside it, such as a backup. */
  readonly operation: ComputedRef<Operation | undefined>
  /** Where a start stands; null when nothing is starting. Within one attempt it never goes back. */
  readonly phase: ComputedRef<Phase | null>
  readonly attempt: ComputedRef<number | null>
  /** Console clock: the click, or where it was made elsewhere, when the host took it. Never changes back. */
  readonly startedAt: ComputedRef<number | null>
  /** What the host recorded it under, or will; null when nothing is known to have been asked for. */
  readonly requestId: ComputedRef<RequestId | null>
}

interface StartupSource {
  hostId(): HostId
  /** An environment id, or the id of the command that is making it. */
  reference(): string
}

type Behind = Pick<Startup, 'submitted' | 'operation' | 'environmentId'>

/** The command and the operation that are behind what the screen shows. */
function useBehind(source: StartupSource): Behind {
  const fleet = useFleetStore()
  const commands = useCommandsStore()
  const spawned = computed(() => commands.submitted.get(source.reference() as CommandId))
  const environmentId = computed(() => spawned.value?.environmentId ?? madeBy(source) ?? source.reference())

  const operation = computed(() => {
    let newest: Operation | undefined
    for (const { hostId, operation: each } of fleet.operations()) {
      if (hostId !== source.hostId() || each.environmentId !== environmentId.value || isAside(each.kind)) continue
      if (newest === undefined || each.requestedAt >= newest.requestedAt) newest = each
    }
    return newest
  })
  /** The newest command of this window for it; events about it may still be on their way. */
  const own = computed(() =>
    [...commands.submitted.values()].findLast(
      (each) => each.environmentId === environmentId.value && !isAside(each.kind),
    ),
  )
  const submitted = computed(() => {
    const mine = spawned.value ?? own.value
    const it = operation.value
    if (mine === undefined || it === undefined || it.commandId === mine.commandId) return mine
    const { clockOffsetMs } = fleet.evidenceOf(source.hostId())
    return it.requestedAt - clockOffsetMs > mine.clickedAt ? undefined : mine
  })
  return { operation, submitted, environmentId }
}

/** The environment that the command in the address has made, where this window was reloaded meanwhile. */
function madeBy(source: StartupSource): string | null {
  if (!source.reference().startsWith('cmd-')) return null
  for (const { hostId, operation } of useFleetStore().operations())
    if (hostId === source.hostId() && operation.commandId === source.reference()) return operation.environmentId
  return null
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
  if (submitted === undefined || !startsGuest(submitted.kind)) return false
  if (submitted.answer === 'sending') return true
  return submitted.answer === 'accepted' && operation?.commandId !== submitted.commandId
}

/** The host may not have said a phase yet, as while it still ends the guest that it is to start again. */
function phaseOf({ kind, phase }: Operation): Phase | null {
  return phase ?? (startsGuest(kind) ? 'requested' : null)
}

/** A moment that stays what it first was for a key, however the host's clock is measured later. */
function useFirst(moment: ComputedRef<number | null>, key: ComputedRef<string>): ComputedRef<number | null> {
  const first = new Map<string, number>()
  return computed(() => {
    const known = first.get(key.value)
    if (known !== undefined || moment.value === null) return known ?? null
    first.set(key.value, moment.value)
    return moment.value
  })
}

/** Where the start of an environment stands, from the click on, before the host has even answered. */
export function useStartup(source: StartupSource): Startup {
  const fleet = useFleetStore()
  const { operation, submitted, environmentId } = useBehind(source)
  const row = computed(() => fleet.row(rowKey(source.hostId(), environmentId.value)))
  const observed = computed(() => row.value?.environment.observed)
  /** What this window asked for and the host has not refused. */
  const mine = computed(() => (submitted.value?.answer === 'refused' ? undefined : submitted.value))

  const running = computed(() => (operation.value?.status.kind === 'running' ? operation.value : undefined))

  const told = computed<Phase | null>(() => {
    if (isOnItsWay(mine.value, operation.value)) return 'requested'
    return running.value === undefined ? observedPhase(observed.value) : phaseOf(running.value)
  })
  const attempt = computed(() => {
    if (isOnItsWay(mine.value, operation.value)) return null
    if (running.value !== undefined) return running.value.attempt
    const seen = observed.value?.kind === 'booting' ? observed.value.attempt : null
    return operation.value?.attempt ?? seen
  })
  const start = computed(
    () => mine.value?.commandId ?? operation.value?.commandId ?? rowKey(source.hostId(), source.reference()),
  )
  const startedAt = computed(() => {
    if (mine.value !== undefined) return mine.value.clickedAt
    if (operation.value === undefined) return null
    return operation.value.requestedAt - fleet.evidenceOf(source.hostId()).clockOffsetMs
  })
  return {
    environmentId,
    row,
    submitted,
    operation,
    phase: useForwardPhase(
      told,
      computed(() => `${start.value}#${attempt.value ?? 1}`),
    ),
    attempt,
    startedAt: useFirst(startedAt, start),
    requestId: computed(() => {
      const isOwn = mine.value === undefined || operation.value?.commandId === mine.value.commandId
      const recorded = isOwn ? operation.value?.requestId : undefined
      return recorded ?? submitted.value?.requestId ?? null
    }),
  }
}
