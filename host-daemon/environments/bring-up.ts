import type { PilothouseError } from '../../src-shared/error.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { HostCapacity } from '../store/environments-table.ts'
import { insistOnHome, lookAtHome } from './home-look.ts'
import { mutate } from './mutate.ts'
import { refuseQuarantined } from './quarantine.ts'
import { capacityRefusal, ownerRefusal } from './spawn-command.ts'
import type { Toolkit } from './toolkit.ts'

/** Refuses, before a claim is asked for, what nothing could be started with: a malformed record, a useless driver. */
export async function refuseHopeless({ drivers, clock }: Toolkit, environment: StoredEnvironment): Promise<void> {
  refuseQuarantined(environment)
  await drivers.refuseUnavailable(drivers.of(environment), clock)
}

/** Refuses on positive evidence. A home that is unknowable now passes: the operation asks again, and then insists. */
export async function refuseGoneHome(toolkit: Toolkit, environment: StoredEnvironment): Promise<void> {
  const { store, logger } = toolkit
  if (store.environments.homeMadeAt(environment.home.id) === null) return
  const seen = await lookAtHome(toolkit, environment).catch((error: unknown) => {
    logger.warn({ err: error, environmentId: environment.id }, 'A home could not be looked at before a start')
    return undefined
  })
  if (seen !== undefined) insistOnHome(toolkit, environment, seen)
}

interface Admission {
  readonly capacity: HostCapacity
  /** What the caller saw; undefined where it did not say. */
  readonly generation?: number | undefined
}

/** Admits an environment to be brought up, inside the transaction that claims it: record, memory, owner, generation. */
export function admitBringUp(toolkit: Toolkit, environment: StoredEnvironment, admission: Admission): void {
  const { store } = toolkit
  refuseQuarantined(environment)
  assertMemoryToBringUp(toolkit, environment, admission.capacity)
  if (!store.environments.countAgain(environment.id)) throw recountRefusal(toolkit, environment)
  mutate(store, environment, { generation: admission.generation, desired: 'running' })
}

/**
 * Throws `host_limit_reached` where the host has not the memory to bring the environment up; one that is up has it. Its
 * own drills give way to that, and with them what their guests have.
 */
export function assertMemoryToBringUp(
  toolkit: Toolkit,
  environment: StoredEnvironment,
  capacity: Pick<HostCapacity, 'memoryMiB'>,
): void {
  if (environment.desired !== 'stopped') return
  assertMemory(toolkit, environment, {
    ...capacity,
    freeingMiB: toolkit.store.environments.memoryGivingWayTo(environment.id),
  })
}

interface MemoryLimit extends Pick<HostCapacity, 'memoryMiB'> {
  /** In use now, and free by the time that it is needed. */
  readonly freeingMiB?: number
}

/** Throws `host_limit_reached` where the host has not the memory for one more guest of this size. */
export function assertMemory(
  toolkit: Toolkit,
  { size }: StoredEnvironment,
  { memoryMiB, freeingMiB = 0 }: MemoryLimit,
): void {
  const used = toolkit.store.environments.usage().memoryMiB - freeingMiB
  if (memoryMiB === null || used + size.memoryMiB <= memoryMiB) return
  throw capacityRefusal(toolkit, { capacity: { environments: null, homeMiB: null, memoryMiB }, size })
}

function recountRefusal(toolkit: Toolkit, { id, owner }: StoredEnvironment): PilothouseError | Error {
  return ownerRefusal(toolkit, owner) ?? new Error(`The environment ${id} could not be counted again`)
}
