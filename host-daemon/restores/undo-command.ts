import type { EnvironmentRef } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { UndoPlan } from '../../src-shared/model/restore.ts'
import { admitBringUp, assertMemoryToBringUp } from '../environments/bring-up.ts'
import {
  planDangerous,
  runDangerous,
  type DangerousInput,
  type DangerousKind,
  type Planned,
} from '../environments/dangerous.ts'
import { inspectHome } from '../environments/plan-home.ts'
import { refuseQuarantined } from '../environments/quarantine.ts'
import type { Requester } from '../operations/requester.ts'
import type { RestoreDeps } from './restore-command.ts'
import { swapParams } from './swap-params.ts'
import { undoableOf, weighKept } from './undo-kept.ts'
import { undoPlan } from './undo-plan.ts'

type UndoDeps = Omit<RestoreDeps, 'presence'>

/** What bringing the replaced home back would do, and the ticket to do exactly that. Nothing is touched. */
export function planUndo(deps: UndoDeps, caller: Requester, ref: EnvironmentRef): Promise<Planned<UndoPlan>> {
  return planDangerous(deps.dangerous, { kind: undoKind(deps), caller, ref })
}

/** Runs exactly the plan that the ticket is for, once. A refusal is recorded and changes nothing. */
export function runUndo(deps: UndoDeps, caller: Requester, input: DangerousInput): Promise<Operation> {
  return runDangerous(deps.dangerous, { kind: undoKind(deps), caller, input })
}

function undoKind({ recovery, dangerous }: UndoDeps): DangerousKind<UndoPlan> {
  const { store, drivers, clock, hostName, deadlines } = recovery
  return {
    kind: 'undo_restore',
    refuse: (environment) => {
      refuseQuarantined(environment)
      undoableOf(recovery, environment)
      assertMemoryToBringUp(recovery, environment, dangerous.capacity)
    },
    facts: (environment) => {
      const { homeId: keptHomeId, until: keptUntil } = undoableOf(recovery, environment)
      return { keptHomeId, keptUntil }
    },
    plan: async (environment, facts) => {
      await drivers.refuseUnavailable(drivers.of(environment), clock)
      const kept = undoableOf(recovery, environment)
      const keptBytes = await weighKept(recovery, environment, kept.homeId)
      const home = await inspectHome(recovery, environment)
      return undoPlan({ environment, home, kept, keptBytes }, { hostName, deadlines, facts })
    },
    recheck: async (environment) => {
      await weighKept(recovery, environment, undoableOf(recovery, environment).homeId)
    },
    params: (environment) => swapParams(store, environment, undoableOf(recovery, environment).homeId),
    admit: (environment) => admitBringUp(recovery, environment, { capacity: dangerous.capacity }),
  }
}
