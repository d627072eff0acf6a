import { PilothouseError } from '../../src-shared/error.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { resolveAnyPoint } from '../backups/resolve-point.ts'
import { exceededCapacity } from '../environments/spawn-command.ts'
import { refuseHopeless } from '../environments/bring-up.ts'
import { resolveEnvironment } from '../environments/views.ts'
import type { ImageRef, OperationId } from '../../src-shared/model/ids.ts'
import type { OperationEngine } from '../operations/engine.ts'
import type { Requester } from '../operations/requester.ts'
import type { InsertLimits } from '../store/environments-table.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { StoredPoint } from '../store/points-table.ts'
import { refuseHopelessInsert } from './new-environment.ts'
import type { DrillInput } from './restore-service.ts'
import { scratchParams } from './scratch-steps.ts'

/** What a drill is accepted with. */
export interface DrillDeps {
  readonly recovery: RecoveryToolkit
  readonly engine: OperationEngine
  readonly limits: InsertLimits
  readonly isImageUsable: (image: ImageRef) => Promise<boolean>
  /** Has a last look in the transaction that accepts it, and refuses it by throwing. */
  readonly onAccepting?: (operationId: OperationId) => void
}

/** Refuses or accepts a drill, whoever asks for it: an operator, or the daemon itself by schedule. */
export async function acceptDrill(deps: DrillDeps, caller: Requester, input: DrillInput): Promise<Operation> {
  const { recovery, engine } = deps
  const { commandId, promoteTo } = input
  const command = { kind: 'drill', caller, commandId, input } as const
  const replayed = engine.replayOf(command)
  if (replayed !== undefined) return replayed
  if (promoteTo !== undefined && caller.actor.role !== 'admin') {
    throw new PilothouseError('forbidden', 'Keeping the guest of a drill as an environment needs the role admin.')
  }
  const { id } = resolveEnvironment(recovery.store, input.environment)
  const environment = resolveEnvironment(recovery.store, id)
  const point = resolveAnyPoint(recovery, environment, input.point)
  await refuseHopeless(recovery, environment)
  if (!(await deps.isImageUsable(environment.image))) {
    throw new PilothouseError('not_found', `There is no image ${environment.image} on this host.`)
  }
  return await engine.accept({
    ...command,
    target: () => admitted(deps, { id, point, promoteTo }),
    admit: (operationId) => deps.onAccepting?.(operationId),
    params: () => ({
      ...scratchParams(recovery.random, point.id),
      promoteName: promoteTo?.name ?? null,
      promoteOwner: promoteTo?.owner ?? null,
    }),
    detail: { pointId: point.id, ...(promoteTo === undefined ? {} : { promoteTo }) },
  })
}

interface Asked extends Pick<DrillInput, 'promoteTo'> {
  readonly id: StoredEnvironment['id']
  readonly point: StoredPoint
}

/** In the transaction, so that it is true of it; a promotion is asked again when it comes to it. */
function admitted({ recovery, limits }: DrillDeps, { id, point, promoteTo }: Asked): StoredEnvironment {
  const environment = resolveEnvironment(recovery.store, id)
  const usage = { memoryMiB: environment.size.memoryMiB, homeMiB: point.homeMiB }
  const isKept = promoteTo !== undefined
  if (isKept) refuseHopelessInsert(recovery, limits, { ...promoteTo, wanted: { ...usage, environments: 1 } })
  const exceeded = exceededCapacity(recovery, limits.capacity, { ...usage, environments: 0 })
  if (exceeded !== undefined) throw exceeded
  return environment
}
