import { PilothouseError } from '../../src-shared/error.ts'
import type { EnvironmentRef, HomeId } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { Requester } from '../operations/requester.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import {
  planDangerous,
  runDangerous,
  type DangerousDeps,
  type DangerousInput,
  type DangerousKind,
  type Planned,
} from './dangerous.ts'
import { destroyPlan } from './destroy-plan.ts'
import { mutate } from './mutate.ts'
import { inspectHome } from './plan-home.ts'
import { keptFact } from './plan-kept.ts'
import type { Toolkit } from './toolkit.ts'

/** What destroying would do, and the ticket to do exactly that. */
export function planDestroy(deps: DangerousDeps, caller: Requester, ref: EnvironmentRef): Promise<Planned> {
  return planDangerous(deps, { kind: destroyKind(deps), caller, ref })
}

/** Runs exactly the plan that the ticket is for, once. A refusal is recorded and changes nothing. */
export function runDestroy(deps: DangerousDeps, caller: Requester, input: DangerousInput): Promise<Operation> {
  return runDangerous(deps, { kind: destroyKind(deps), caller, input })
}

/** Also for an environment in quarantine: nothing else is safe for it. */
function destroyKind({ toolkit, hostName }: DangerousDeps): DangerousKind {
  const { store, protection } = toolkit
  return {
    kind: 'destroy',
    refuse: ({ name, isProtected }) => {
      if (isProtected) throw new PilothouseError('deletion_protected', `${name} is protected against deletion.`)
    },
    facts: ({ id }) => ({ keptHomes: keptFact(store.keptHomes.allOf(id)) }),
    plan: async (environment, facts) => {
      const home = await inspectHome(toolkit, environment)
      const furtherHomes = furtherHomesOf(toolkit, environment)
      const about = { kept: store.keptHomes.allOf(environment.id), protection: protection.tellOf(environment) }
      return destroyPlan(environment, home, { hostName, furtherHomes, facts, ...about })
    },
    admit: (environment) => mutate(store, environment, { desired: 'stopped' }),
  }
}

/** Homes that were never made hold nothing; a malformed record is not believed in that. */
function furtherHomesOf({ store }: Toolkit, { id, home, quarantine }: StoredEnvironment): HomeId[] {
  const { environments } = store
  const others = environments.homesOf(id).filter((homeId) => homeId !== home.id)
  return others.filter((homeId) => quarantine !== null || environments.homeMadeAt(homeId) !== null)
}
