import type { CommandId, EnvironmentRef } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { OperationEngine } from '../operations/engine.ts'
import type { Requester } from '../operations/requester.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { HostCapacity } from '../store/environments-table.ts'
import { admitBringUp, refuseGoneHome, refuseHopeless } from './bring-up.ts'
import { mutate } from './mutate.ts'
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
  const { toolkit, engine, capacity } = deps
  const { store } = toolkit
  const command = { kind: 'start', caller, commandId: input.commandId, input } as const
  const replayed = engine.replayOf(command)
  if (replayed !== undefined) return replayed
  const asked = resolveEnvironment(store, input.environment)
  await refuseHopeless(toolkit, asked)
  await refuseGoneHome(toolkit, asked)
  let environment: StoredEnvironment
  return engine.accept({
    ...command,
    target: () => (environment = resolveEnvironment(store, input.environment)),
    admit: () => admitBringUp(toolkit, environment, { capacity, generation: input.generation }),
  })
}

/** Accepts a stop, also of an environment in quarantine. */
export function stop({ toolkit, engine }: PowerDeps, caller: Requester, input: PowerInput): Promise<Operation> {
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
