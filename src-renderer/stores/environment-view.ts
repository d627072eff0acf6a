import { computed, type ComputedRef } from 'vue'
import type { Host } from '../../src-shared/model/host.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import { useClockStore } from './clock.ts'
import { useCommandsStore } from './commands.ts'
import { useFleetStore } from './fleet.ts'
import { actionBlock, ENVIRONMENT_ACTIONS, type EnvironmentAction } from '../lib/action-rules.ts'
import type { EnvironmentRow } from '../lib/environment-list.ts'
import { environmentShown, seenAt } from '../lib/environment-state.ts'
import type { Shown } from '../lib/tone.ts'

export interface EnvironmentView {
  readonly host: ComputedRef<Host | undefined>
  readonly shown: ComputedRef<Shown | undefined>
  /** Console clock. */
  readonly seenAt: ComputedRef<number>
  readonly inFlight: ComputedRef<Operation | undefined>
  readonly blocks: ComputedRef<Record<EnvironmentAction, string | null>>
}

/** Everything a screen says about one environment and what may be done with it now. */
export function useEnvironmentView(row: () => EnvironmentRow | undefined): EnvironmentView {
  const fleet = useFleetStore()
  const clock = useClockStore()
  const commands = useCommandsStore()

  const host = computed(() => {
    const here = row()
    return here === undefined ? undefined : fleet.host(here.hostId)
  })
  const evidence = computed(() => {
    const here = row()
    return here === undefined ? { confirmedAt: null, clockOffsetMs: 0 } : fleet.evidenceOf(here.hostId)
  })
  const shown = computed(() => {
    const here = row()
    return here && environmentShown(here.environment, evidence.value, clock.now)
  })
  const inFlight = computed(() => {
    const here = row()
    if (here === undefined) return undefined
    const { id, operationId } = here.environment
    return operationId === null ? commands.runningFor(here.hostId, id) : fleet.operation(here.hostId, operationId)
  })

  function blockOf(action: EnvironmentAction): string | null {
    const here = row()
    const operation = inFlight.value
    return actionBlock(action, {
      host: host.value,
      environment: here?.environment,
      inFlight: operation,
      inFlightSince: operation === undefined ? 0 : operation.requestedAt - evidence.value.clockOffsetMs,
      unanswered: here && commands.unansweredFor(here.hostId, here.environment.id),
      now: clock.now,
    })
  }

  return {
    host,
    shown,
    seenAt: computed(() => {
      const here = row()
      return here === undefined ? 0 : seenAt(here.environment, evidence.value)
    }),
    inFlight,
    blocks: computed(() => {
      const entries = ENVIRONMENT_ACTIONS.map((action) => [action, blockOf(action)])
      return Object.fromEntries(entries) as Record<EnvironmentAction, string | null>
    }),
  }
}
