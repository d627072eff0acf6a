import { PilothouseError } from '../../src-shared/error.ts'
import type { EnvironmentId, EnvironmentRef, HomeId } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { Requester } from '../operations/requester.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { KeptHome } from '../store/kept-homes-table.ts'
import { admitBringUp, assertMemoryToBringUp } from './bring-up.ts'
import {
  planDangerous,
  runDangerous,
  type DangerousDeps,
  type DangerousInput,
  type DangerousKind,
  type Planned,
} from './dangerous.ts'
import { assertRoomForFreshHome } from './home-room.ts'
import { inspectHome } from './plan-home.ts'
import { keptFact } from './plan-kept.ts'
import { refuseQuarantined } from './quarantine.ts'
import { resetPlan } from './reset-plan.ts'
import type { Toolkit } from './toolkit.ts'

/** What resetting would do, and the ticket to do exactly that. */
export function planReset(deps: DangerousDeps, caller: Requester, ref: EnvironmentRef): Promise<Planned> {
  return planDangerous(deps, { kind: resetKind(deps), caller, ref })
}

/** Runs exactly the plan that the ticket is for, once. A refusal is recorded and changes nothing. */
export function runReset(deps: DangerousDeps, caller: Requester, input: DangerousInput): Promise<Operation> {
  return runDangerous(deps, { kind: resetKind(deps), caller, input })
}

function resetKind({ toolkit, hostName, capacity }: DangerousDeps): DangerousKind {
  const { store, clock, random, drivers, deadlines, protection } = toolkit
  return {
    kind: 'reset',
    refuse: (environment) => {
      refuseQuarantined(environment)
      assertUnprotected(environment)
      assertMemoryToBringUp(toolkit, environment, capacity)
    },
    facts: ({ id }) => ({ keptHomes: keptFact(stayingOf(toolkit, id)) }),
    plan: async (environment, facts) => {
      await drivers.refuseUnavailable(drivers.of(environment), clock)
      const freeBytes = await assertRoomForFreshHome(toolkit, environment)
      const home = await inspectHome(toolkit, environment)
      const about = { kept: stayingOf(toolkit, environment.id), protection: protection.tellOf(environment) }
      return resetPlan(environment, home, { hostName, deadlines, freeBytes, facts, ...about })
    },
    recheck: async (environment) => {
      await assertRoomForFreshHome(toolkit, environment)
    },
    params: ({ home }) => ({ oldHomeId: home.id, newHomeId: `home-${random.hex(8)}` }),
    admit: (environment, { newHomeId }) => {
      admitBringUp(toolkit, environment, { capacity })
      const home = { homeId: newHomeId as HomeId, sizeMiB: environment.size.homeMiB }
      store.environments.insertHome(environment.id, home)
    },
  }
}

/** Homes beside its own that nobody is about to remove. */
function stayingOf({ store }: Toolkit, id: EnvironmentId): KeptHome[] {
  return store.keptHomes.allOf(id).filter(({ purpose }) => purpose !== 'removal')
}

/** Deletion protection guards the home, and a reset deletes the home. */
function assertUnprotected({ name, isProtected }: StoredEnvironment): void {
  if (!isProtected) return
  const message = `${name} is protected against deletion, and a reset deletes its home.`
  throw new PilothouseError('deletion_protected', message)
}
