import { PilothouseError } from '../../src-shared/error.ts'
import type { EnvironmentRef, HomeId, RecoveryPointId, RecoveryPointRef } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { RestorePlan } from '../../src-shared/model/restore.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { resolvePoint } from '../backups/resolve-point.ts'
import { admitBringUp, assertMemoryToBringUp } from '../environments/bring-up.ts'
import {
  planDangerous,
  runDangerous,
  type DangerousDeps,
  type DangerousInput,
  type DangerousKind,
  type Planned,
} from '../environments/dangerous.ts'
import { inspectHome } from '../environments/plan-home.ts'
import { refuseQuarantined } from '../environments/quarantine.ts'
import type { Requester } from '../operations/requester.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { StoredPoint } from '../store/points-table.ts'
import type { Store } from '../store/store.ts'
import type { PlanFacts } from '../store/tickets-table.ts'
import { countLoss } from './loss-count.ts'
import { restorePlan } from './restore-plan.ts'
import type { PointPresence } from './restore-presence.ts'
import { assertRoomBesideHome, diskNeededBytes } from './restore-room.ts'
import { swapParams } from './swap-params.ts'

export interface RestoreDeps {
  readonly recovery: RecoveryToolkit
  readonly dangerous: DangerousDeps
  readonly presence: PointPresence
}

/** What a restore is asked for. */
export interface RestoreWish {
  readonly environment: EnvironmentRef
  readonly point: RecoveryPointRef
  readonly isStopNow: boolean
}

/** What restoring the point would do, counted now, and the ticket to do exactly that. Nothing is touched. */
export function planRestore(
  deps: RestoreDeps,
  caller: Requester,
  { wish, signal }: { readonly wish: RestoreWish; readonly signal: AbortSignal },
): Promise<Planned<RestorePlan>> {
  const kind = restoreKind(deps, { signal, wish })
  return planDangerous(deps.dangerous, { kind, caller, ref: wish.environment })
}

/**
 * Runs exactly the plan that the ticket is for, once. Before anything is claimed, the repository is asked whether it still
 * has the point, and the disk whether it has room. A refusal is recorded and changes nothing.
 */
export function runRestore(
  deps: RestoreDeps,
  caller: Requester,
  { input, signal }: { readonly input: DangerousInput; readonly signal: AbortSignal },
): Promise<Operation> {
  return runDangerous(deps.dangerous, { kind: restoreKind(deps, { signal }), caller, input })
}

interface Asked {
  readonly signal: AbortSignal
  /** Absent at the run: what was wished for then is among the facts of the ticket. */
  readonly wish?: RestoreWish
}

/** In every settled state: it is a way out of them. Quarantine alone refuses it. */
function restoreKind(deps: RestoreDeps, { signal, wish }: Asked): DangerousKind<RestorePlan> {
  const { recovery, dangerous, presence } = deps
  const { store, random } = recovery
  return {
    kind: 'restore',
    refuse: (environment) => {
      refuseQuarantined(environment)
      assertMemoryToBringUp(recovery, environment, dangerous.capacity)
    },
    facts: (environment, told) => factsOfRestore(recovery, environment, told ?? wishFacts(recovery, environment, wish)),
    plan: (environment, facts) => makePlan(deps, { environment, facts, signal }),
    recheck: async (environment, told) => {
      const point = pointOnRecord(recovery, told)
      await presence.confirm(point, signal)
      await assertRoomBesideHome(recovery, environment, point)
    },
    params: (environment, told) => ({
      ...swapParams(store, environment, `home-${random.hex(8)}` as HomeId),
      pointId: pointOnRecord(recovery, told).id,
      isStopNow: told['isStopNow'] === true,
    }),
    admit: (environment, { newHomeId }) => {
      admitBringUp(recovery, environment, { capacity: dangerous.capacity })
      const home = { homeId: newHomeId as HomeId, sizeMiB: environment.size.homeMiB }
      store.environments.insertHome(environment.id, home)
    },
  }
}

function wishFacts(
  recovery: RecoveryToolkit,
  environment: StoredEnvironment,
  wish: RestoreWish | undefined,
): PlanFacts {
  if (wish === undefined) throw new Error('A restore was planned without a point')
  return { pointId: resolvePoint(recovery, environment, wish.point).id, isStopNow: wish.isStopNow }
}

/** A point that the record has forgotten since is none. */
function factsOfRestore({ store }: RecoveryToolkit, { id }: StoredEnvironment, told: PlanFacts): PlanFacts {
  const found = store.points.find(told['pointId'] as RecoveryPointId)
  const point = found?.environmentId === id && found.forgottenAt === null ? found : undefined
  return {
    pointId: point?.id ?? null,
    repository: point?.repository ?? null,
    isStopNow: told['isStopNow'] === true,
    keptHomeId: store.keptHomes.undoOf(id)?.homeId ?? null,
  }
}

function pointOnRecord({ store }: RecoveryToolkit, { pointId }: PlanFacts): StoredPoint {
  const point = store.points.find(pointId as RecoveryPointId)
  if (point !== undefined) return point
  throw new PilothouseError('no_recovery_point', `The recovery point ${String(pointId)} is not on record.`)
}

interface Planning {
  readonly environment: StoredEnvironment
  readonly facts: PlanFacts
  readonly signal: AbortSignal
}

/** Null where its record is malformed; the point itself where the environment has none that is not forgotten. */
function newestOf({ points }: Store, point: StoredPoint): StoredPoint | null {
  const known = points.newest(point.environmentId).get(point.environmentId)
  return known === undefined ? point : known.point
}

async function makePlan({ recovery, presence }: RestoreDeps, planning: Planning): Promise<RestorePlan> {
  const { environment, facts, signal } = planning
  const { drivers, clock, store, deadlines, hostName, settings } = recovery
  const driver = drivers.of(environment)
  await drivers.refuseUnavailable(driver, clock)
  const point = pointOnRecord(recovery, facts)
  const diskFreeBytes = await assertRoomBesideHome(recovery, environment, point)
  await presence.confirm(point, signal)
  const home = await inspectHome(recovery, environment)
  const loss = await countLoss(recovery, { environment, home, point, signal })
  const found = {
    environment,
    point,
    newest: newestOf(store, point),
    home,
    loss,
    kept: store.keptHomes.undoOf(environment.id),
    isStopNow: facts['isStopNow'] === true,
    diskNeededBytes: diskNeededBytes(environment, point),
    diskFreeBytes,
    now: clock.now(),
  }
  return restorePlan(found, { hostName, deadlines, undoMs: settings.undoMs, facts })
}
