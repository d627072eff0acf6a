import { computed, type ComputedRef } from 'vue'
import type { Host } from '../../src-shared/model/host.ts'
import { useClockStore } from './clock.ts'
import { useCommandsStore } from './commands.ts'
import { useFleetStore } from './fleet.ts'
import { actionBlock, ENVIRONMENT_ACTIONS, type ActionFacts, type EnvironmentAction } from '../lib/action-rules.ts'
import type { EnvironmentRow } from '../lib/environment-list.ts'
import { environmentShown, seenAt, type HostEvidence } from '../lib/environment-state.ts'
import { recordOf } from '../lib/record-of.ts'
import type { Shown } from '../lib/tone.ts'

export interface EnvironmentView {
  readonly host: ComputedRef<Host | undefined>
  readonly shown: ComputedRef<Shown | undefined>
  /** Console clock. */
  readonly seenAt: ComputedRef<number>
  readonly evidence: ComputedRef<HostEvidence>
  /** What decides whether something can be done with it. */
  readonly facts: ComputedRef<ActionFacts>
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

  const facts = computed<ActionFacts>(() => {
    const here = row()
    const operation = inFlight.value
    return {
      host: host.value,
      environment: here?.environment,
      inFlight: operation,
      inFlightSince: operation === undefined ? 0 : operation.requestedAt - evidence.value.clockOffsetMs,
      unanswered: here && commands.unansweredFor(here.hostId, here.environment.id),
      now: clock.now,
    }
  })

  return {
    host,
    shown,
    seenAt: computed(() => {
      const here = row()
      return here === undefined ? 0 : seenAt(here.environment, evidence.value)
    }),
    evidence,
    facts,
    blocks: computed(() => recordOf(ENVIRONMENT_ACTIONS, (action) => actionBlock(action, facts.value))),
  }
}
