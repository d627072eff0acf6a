import { PilothouseError } from '../../src-shared/error.ts'
import { SIZE_LIMITS, type DriverKind, type EnvironmentSize } from '../../src-shared/model/environment.ts'
import type {
  CommandId,
  EnvironmentId,
  EnvironmentName,
  HomeId,
  ImageRef,
  OwnerName,
} from '../../src-shared/model/ids.ts'
import type { Labels } from '../../src-shared/model/labels.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { Startup } from '../../src-shared/model/startup.ts'
import type { OperationEngine } from '../operations/engine.ts'
import type { Requester } from '../operations/requester.ts'
import { isUniqueViolation } from '../store/database.ts'
import type { HostCapacity, HostUsage, InsertLimits, NewEnvironment } from '../store/environments-table.ts'
import type { Toolkit } from './toolkit.ts'

export interface SpawnInput {
  readonly commandId: CommandId
  readonly name: EnvironmentName
  readonly owner: OwnerName
  readonly image: ImageRef
  readonly driver?: DriverKind | undefined
  readonly size?: { readonly [K in keyof EnvironmentSize]?: number | undefined } | undefined
  readonly labels?: Labels | undefined
  readonly startup?: Startup | undefined
}

export interface SpawnLimits extends InsertLimits {
  /** The largest environment. */
  readonly size: EnvironmentSize
}

export interface SpawnDeps {
  readonly toolkit: Toolkit
  readonly engine: OperationEngine
  readonly limits: SpawnLimits
  readonly isImageUsable: (image: ImageRef) => Promise<boolean>
}

/** Refuses or accepts a spawn. Every limit is checked before anything is made, and holds under concurrency. */
export async function spawn(deps: SpawnDeps, caller: Requester, input: SpawnInput): Promise<Operation> {
  const command = { kind: 'spawn', caller, commandId: input.commandId, input } as const
  const replayed = deps.engine.replayOf(command)
  if (replayed !== undefined) return replayed
  const size = sizeOf(input.size)
  assertSize(size, deps.limits.size)
  const { drivers, clock } = deps.toolkit
  const driver = drivers.choose(input.driver)
  if (!(await deps.isImageUsable(input.image))) {
    throw new PilothouseError('not_found', `There is no image ${input.image} on this host.`)
  }
  await drivers.refuseUnavailable(driver, clock)
  return deps.engine.accept({ ...command, target: () => insert(deps, { input, size, driver: driver.kind }) })
}

function sizeOf(asked: SpawnInput['size']): EnvironmentSize {
  return {
    cpus: asked?.cpus ?? SIZE_LIMITS.cpus.default,
    memoryMiB: asked?.memoryMiB ?? SIZE_LIMITS.memoryMiB.default,
    homeMiB: asked?.homeMiB ?? SIZE_LIMITS.homeMiB.default,
  }
}

/** Throws `host_limit_reached` for what is larger than this host takes; what is not given is not looked at. */
export function assertSize(size: Partial<EnvironmentSize>, limit: EnvironmentSize): void {
  for (const field of ['cpus', 'memoryMiB', 'homeMiB'] as const) {
    const asked = size[field] ?? 0
    if (asked <= limit[field]) continue
    const message = `This host takes environments of at most ${limit[field]} ${field}; ${asked} was asked for.`
    throw new PilothouseError('host_limit_reached', message, { details: { field, limit: limit[field] } })
  }
}

interface Insertion {
  readonly input: SpawnInput
  readonly size: EnvironmentSize
  readonly driver: DriverKind
}

function insert(deps: SpawnDeps, { input, size, driver }: Insertion): { id: EnvironmentId; name: EnvironmentName } {
  const { store, clock } = deps.toolkit
  const now = clock.now()
  const { name, owner, image } = input
  const observed = { kind: 'creating', since: now, phase: 'requested' } as const
  const told = { labels: input.labels ?? {}, startup: input.startup ?? null }
  const about = { name, owner, image, driver, size, observed, now }
  const environment: NewEnvironment = { ...freshIds(deps.toolkit), ...about, ...told }
  try {
    if (store.environments.insertWithinLimits(environment, deps.limits)) return environment
  } catch (error) {
    // Whatever else must be unique is not the name's fault.
    if (!isUniqueViolation(error) || store.environments.resolve(name) === undefined) throw error
    throw new PilothouseError('name_taken', `There is an environment ${name} on this host already.`)
  }
  throw refusal(deps, environment)
}

function freshIds({ store, random }: Toolkit): { id: EnvironmentId; homeId: HomeId } {
  let id: EnvironmentId
  do id = `env-${random.hex(4)}` as EnvironmentId
  while (store.environments.find(id) !== undefined)
  return { id, homeId: `home-${random.hex(8)}` as HomeId }
}

/** Says which limit forbade the insert; asked in the same transaction, so that the answer is true of it. */
function refusal({ toolkit, limits }: SpawnDeps, { owner: name, size }: NewEnvironment): PilothouseError {
  return ownerRefusal(toolkit, name) ?? capacityRefusal(toolkit, { capacity: limits.capacity, size })
}

/** Why the owner may not have one more environment; undefined where it may. */
export function ownerRefusal({ store }: Toolkit, name: OwnerName): PilothouseError | undefined {
  const owner = store.owners.find(name)
  if (owner === undefined) return new PilothouseError('owner_not_allowed', `${name} is not an owner on this host.`)
  if (!owner.isActive) return new PilothouseError('owner_inactive', `The owner ${name} is not active.`)
  const { limit, environmentCount } = owner
  if (limit === 'unlimited' || environmentCount < limit) return undefined
  const environments = limit === 1 ? 'environment' : 'environments'
  const message = `${name} has ${environmentCount} of at most ${limit} ${environments}.`
  return new PilothouseError('owner_limit_reached', message, { details: { limit, environmentCount } })
}

interface CapacityQuestion {
  readonly capacity: HostCapacity
  readonly size: EnvironmentSize
}

/** Names the first capacity of the host that one more environment would exceed. */
export function capacityRefusal(toolkit: Toolkit, { capacity, size }: CapacityQuestion): PilothouseError {
  const wanted = { environments: 1, memoryMiB: size.memoryMiB, homeMiB: size.homeMiB }
  const noUid = () => new PilothouseError('host_limit_reached', 'This host has no free guest uid left.')
  return exceededCapacity(toolkit, capacity, wanted) ?? noUid()
}

/** Names the first capacity that `wanted`, on top of what is in use, would exceed; undefined where it fits. */
export function exceededCapacity(
  { store }: Toolkit,
  capacity: HostCapacity,
  wanted: HostUsage,
): PilothouseError | undefined {
  const used = store.environments.usage()
  for (const field of ['environments', 'memoryMiB', 'homeMiB'] as const) {
    const limit = capacity[field]
    if (limit === null || used[field] + wanted[field] <= limit) continue
    const message = `This host has ${used[field]} of at most ${limit} ${field} in use; ${wanted[field]} more does not fit.`
    return new PilothouseError('host_limit_reached', message, { details: { field, limit, used: used[field] } })
  }
  return undefined
}
