import { PilothouseError } from '../../src-shared/error.ts'
import type { CommandId, EnvironmentRef } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { OperationEngine } from '../operations/engine.ts'
import type { Requester } from '../operations/requester.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { HostCapacity } from '../store/environments-table.ts'
import type { Store } from '../store/store.ts'
import { lookAtHome } from './home-look.ts'
import { capacityRefusal } from './spawn-command.ts'
import type { Toolkit } from './toolkit.ts'
import { resolveEnvironment } from './views.ts'

export interface PowerInput {
  readonly commandId: CommandId
  readonly environment: EnvironmentRef
  readonly generation?: number | undefined
}

export interface PowerDeps {
  readonly toolkit: Toolkit
  readonly engine: OperationEngine
  readonly capacity: HostCapacity
}

/**
 * Accepts a start. Refuses with `engine_failed` where the driver is known to be of no use now, and with `home_gone` on
 * positive evidence, before anything is touched.
 */
export async function start(deps: PowerDeps, caller: Requester, input: PowerInput): Promise<Operation> {
  const { toolkit, engine } = deps
  const command = { kind: 'start', caller, commandId: input.commandId, input } as const
  const replayed = engine.replayOf(command)
  if (replayed !== undefined) return replayed
  const { store, drivers, clock } = toolkit
  const asked = resolveEnvironment(store, input.environment)
  await drivers.refuseUnavailable(drivers.of(asked), clock)
  await refuseGoneHome(toolkit, asked)
  let environment: StoredEnvironment
  return engine.accept({
    ...command,
    target: () => (environment = resolveEnvironment(store, input.environment)),
    admit: () => {
      if (environment.desired === 'stopped') assertMemory(deps, environment)
      mutate(store, environment, { generation: input.generation, desired: 'running' })
    },
  })
}

/** Accepts a stop. */
export function stop({ toolkit, engine }: PowerDeps, caller: Requester, input: PowerInput): Operation {
  const { store } = toolkit
  let environment: StoredEnvironment
  return engine.accept({
    kind: 'stop',
    caller,
    commandId: input.commandId,
    input,
    target: () => (environment = resolveEnvironment(store, input.environment)),
    admit: () => mutate(store, environment, { generation: input.generation, desired: 'stopped' }),
  })
}

/** The home may be unknowable now; the operation asks again and then insists. */
async function refuseGoneHome(toolkit: Toolkit, environment: StoredEnvironment): Promise<void> {
  const { store, logger } = toolkit
  if (store.environments.homeMadeAt(environment.home.id) === null) return
  try {
    const found = await lookAtHome(toolkit, environment)
    if (found.kind === 'present') return
  } catch (error) {
    logger.warn({ err: error, environmentId: environment.id }, 'A home could not be looked at before a start')
    return
  }
  throw new PilothouseError('home_gone', `The home of ${environment.name} is gone; nothing was started without it.`)
}

function assertMemory({ toolkit, capacity }: PowerDeps, { size }: StoredEnvironment): void {
  const { memoryMiB } = capacity
  if (memoryMiB === null || toolkit.store.environments.usage().memoryMiB + size.memoryMiB <= memoryMiB) return
  throw capacityRefusal(toolkit, { capacity: { environments: null, homeMiB: null, memoryMiB }, size })
}

interface Mutation {
  /** What the caller saw; undefined where it did not say. */
  readonly generation?: number | undefined
  readonly desired: 'running' | 'stopped'
}

/** Every accepted mutation of guest or home passes here: checks the generation seen, raises it, sets what is wanted. */
export function mutate(store: Store, environment: StoredEnvironment, { generation: seen, desired }: Mutation): void {
  const { id, name, generation } = environment
  if (seen !== undefined && seen !== generation) {
    const message = `${name} is at generation ${generation}, not ${seen}: it has changed since you looked.`
    throw new PilothouseError('generation_mismatch', message, { details: { generation, seen } })
  }
  store.environments.raiseGeneration(id)
  store.environments.setDesired(id, desired)
}
