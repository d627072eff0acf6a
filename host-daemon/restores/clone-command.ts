import { PilothouseError } from '../../src-shared/error.ts'
import { SIZE_LIMITS, type EnvironmentSize } from '../../src-shared/model/environment.ts'
import {
  environmentIdSchema,
  type EnvironmentId,
  type EnvironmentRef,
  type ImageRef,
} from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import { roomForMiB } from '../backups/point-room.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { noteOnLatest, resolvePoint } from '../backups/resolve-point.ts'
import { assertSize, type SpawnLimits } from '../environments/spawn-command.ts'
import type { OperationEngine } from '../operations/engine.ts'
import type { Requester } from '../operations/requester.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { StoredPoint } from '../store/points-table.ts'
import type { Store } from '../store/store.ts'
import { insertEnvironment, recordRefusal } from './new-environment.ts'
import type { CloneInput } from './restore-service.ts'

/** What a clone is accepted with. */
export interface CloneDeps {
  readonly recovery: RecoveryToolkit
  readonly engine: OperationEngine
  readonly limits: SpawnLimits
  readonly isImageUsable: (image: ImageRef) => Promise<boolean>
}

/** Refuses or accepts a clone. Every limit is checked before anything is made, and holds under concurrency. */
export async function clone(deps: CloneDeps, caller: Requester, input: CloneInput): Promise<Operation> {
  try {
    return await accept(deps, caller, input)
  } catch (error) {
    const { name, owner } = input
    recordRefusal(deps.recovery, caller, { action: 'clone', error, detail: { name, owner } })
    throw error
  }
}

async function accept(deps: CloneDeps, caller: Requester, input: CloneInput): Promise<Operation> {
  const { recovery, engine, limits } = deps
  const { store, drivers, clock } = recovery
  const command = { kind: 'clone', caller, commandId: input.commandId, input } as const
  const replayed = engine.replayOf(command)
  if (replayed !== undefined) return replayed
  const source = sourceOf(store, input.environment)
  const point = resolvePoint(recovery, source, input.point)
  const note = noteOnLatest(recovery, input.point, point)
  const image = input.image ?? source.recorded?.image ?? point.image
  const size = sizeOf(source, { point, asked: input.size })
  assertSize(size, limits.size)
  const driver = drivers.choose(source.recorded?.driver)
  if (!(await deps.isImageUsable(image))) {
    throw new PilothouseError('not_found', `There is no image ${image} on this host.`)
  }
  await drivers.refuseUnavailable(driver, clock)
  const { name, owner } = input
  const about = { name, owner, image, driver: driver.kind, size }
  return await engine.accept({
    ...command,
    target: () => insertEnvironment(recovery, limits, { ...about, ...carriedOver(recovery, source) }),
    params: () => ({ pointId: point.id, sourceId: source.id, ...note }),
    detail: { pointId: point.id, sourceId: source.id, ...note },
  })
}

/** What belongs to the environment beside its home. What a destroyed one was told has been forgotten. */
function carriedOver({ store, clock, random }: RecoveryToolkit, { id, recorded }: Source) {
  const now = clock.now()
  return {
    homeId: `home-${random.hex(8)}` as StoredPoint['homeId'],
    labels: recorded?.labels ?? {},
    startup: store.environments.startupOf(id),
    observed: { kind: 'creating', since: now, phase: 'requested' } as const,
    now,
  }
}

/** Whose point is cloned: an environment of any state, or one of which only points are left. */
interface Source {
  readonly id: EnvironmentId
  readonly name: string
  readonly recorded: StoredEnvironment | undefined
}

/** Throws `not_found`. */
function sourceOf(store: Store, ref: EnvironmentRef): Source {
  const recorded = store.environments.resolve(ref) ?? store.environments.find(ref as EnvironmentId)
  if (recorded !== undefined) return { id: recorded.id, name: recorded.name, recorded }
  const id = environmentIdSchema.safeParse(ref).data
  const hasPoints = id !== undefined && store.points.list({ environmentId: id, limit: 1 }).length > 0
  if (hasPoints) return { id, name: id, recorded: undefined }
  throw new PilothouseError('not_found', `There is no environment ${ref} on this host, nor a recovery point of one.`)
}

interface Sizing {
  readonly point: StoredPoint
  readonly asked: CloneInput['size']
}

function sizeOf({ recorded }: Source, { point, asked }: Sizing): EnvironmentSize {
  const homeMiB = asked?.homeMiB ?? Math.max(recorded?.size.homeMiB ?? 0, point.homeMiB)
  const least = leastHomeMiB(point)
  if (homeMiB < least) {
    const message = `size.homeMiB: must be at least ${least}, which the recovery point needs.`
    throw new PilothouseError('invalid_request', message, { details: { field: 'size.homeMiB', least } })
  }
  return {
    cpus: asked?.cpus ?? recorded?.size.cpus ?? SIZE_LIMITS.cpus.default,
    memoryMiB: asked?.memoryMiB ?? recorded?.size.memoryMiB ?? SIZE_LIMITS.memoryMiB.default,
    homeMiB,
  }
}

/** Pure: what the point surely fits into, and never more than the home that it was made of. */
export function leastHomeMiB({ homeMiB, ...size }: Pick<StoredPoint, 'bytes' | 'entries' | 'homeMiB'>): number {
  return Math.min(homeMiB, roomForMiB(size))
}
