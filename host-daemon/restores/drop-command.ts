import { PilothouseError } from '../../src-shared/error.ts'
import type { HomeId } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { DropPlan } from '../../src-shared/model/restore.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import {
  planDangerous,
  runDangerous,
  type DangerousInput,
  type DangerousKind,
  type Planned,
} from '../environments/dangerous.ts'
import { freeBytesFor } from '../environments/home-room.ts'
import { refuseQuarantined } from '../environments/quarantine.ts'
import type { Requester } from '../operations/requester.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { KeptHome } from '../store/kept-homes-table.ts'
import { dropPlan } from './drop-plan.ts'
import type { RestoreDeps } from './restore-command.ts'
import type { PlanDropInput } from './restore-service.ts'
import { lookAtKept, type KeptAside } from './undo-kept.ts'

type DropDeps = Omit<RestoreDeps, 'presence'>

/** What giving a kept home up would do, and the ticket to do exactly that. Nothing is touched. */
export function planDrop(deps: DropDeps, caller: Requester, input: PlanDropInput): Promise<Planned<DropPlan>> {
  return planDangerous(deps.dangerous, { kind: dropKind(deps, input.home), caller, ref: input.environment })
}

/** Runs exactly the plan that the ticket is for, once. A refusal is recorded and changes nothing. */
export function runDrop(deps: DropDeps, caller: Requester, input: DangerousInput): Promise<Operation> {
  return runDangerous(deps.dangerous, { kind: dropKind(deps), caller, input })
}

/**
 * In every settled state of the environment, whose own home and guest are not touched. Which home is meant stands in the
 * ticket; from the acceptance on that one is only there to be removed, so that nothing brings back what is half gone.
 */
function dropKind({ recovery }: DropDeps, wished?: HomeId): DangerousKind<DropPlan> {
  const { store, hostName } = recovery
  return {
    kind: 'drop_undo',
    refuse: refuseQuarantined,
    facts: (environment, told) => {
      const kept =
        told === undefined ? keptHome(recovery, environment, wished) : keptOf(recovery, environment, told['keptHomeId'])
      return { keptHomeId: kept?.homeId ?? null, keptFor: kept?.purpose ?? null, keptUntil: kept?.until ?? null }
    },
    plan: async (environment, facts) => {
      const kept = keptHome(recovery, environment, facts['keptHomeId'] as HomeId)
      const seen = await lookAtKept(recovery, environment, kept.homeId)
      const freeBytes = await freeBytesFor(recovery, environment)
      return dropPlan({ environment, kept, seen, freeBytes }, { hostName, facts })
    },
    params: (_environment, told) => ({ homeId: String(told['keptHomeId']) }),
    admit: (environment, { homeId }) => {
      store.keptHomes.keep({ ...keptHome(recovery, environment, homeId as HomeId), purpose: 'removal' })
    },
  }
}

/** Undefined where it is not kept any more, and where it is to be removed already. */
function keptOf({ store }: RecoveryToolkit, environment: StoredEnvironment, homeId: unknown): KeptAside | undefined {
  return store.keptHomes
    .allOf(environment.id)
    .filter(isAside)
    .find((kept) => kept.homeId === homeId)
}

function isAside(kept: KeptHome): kept is KeptAside {
  return kept.purpose !== 'removal'
}

/** The one that is named, or the one that is kept for undo. Throws `not_found`, and `wrong_state` for one in use. */
function keptHome(recovery: RecoveryToolkit, environment: StoredEnvironment, homeId: HomeId | undefined): KeptAside {
  const { store } = recovery
  const kept = keptOf(recovery, environment, homeId ?? store.keptHomes.undoOf(environment.id)?.homeId)
  if (kept === undefined) throw notKept(recovery, environment, homeId)
  const isUsed =
    environment.home.id === kept.homeId || store.boots.liveOf(environment.id)?.record.homeId === kept.homeId
  if (!isUsed) return kept
  const message = `The home ${kept.homeId} of ${environment.name} is, or may be, in use by its guest. Nothing was touched.`
  throw new PilothouseError('wrong_state', message, { hint: 'Stop the environment, then plan it again.' })
}

function notKept(
  { store }: RecoveryToolkit,
  { id, name }: StoredEnvironment,
  homeId: HomeId | undefined,
): PilothouseError {
  const which =
    homeId === undefined ? `No home of ${name} is kept for an undo` : `The home ${homeId} is not kept for ${name}`
  const others = store.keptHomes.allOf(id).filter(isAside)
  const named = others.map((kept) => `${kept.homeId} (for ${kept.purpose})`)
  const hint =
    named.length === 0 ? 'Nothing is kept beside its own home.' : `Name one that is kept: ${named.join(', ')}.`
  return new PilothouseError('not_found', `${which}.`, { hint })
}
