import { PilothouseError } from '../../src-shared/error.ts'
import type { ObservedState } from '../../src-shared/model/environment.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { Requester } from '../operations/requester.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import { admitBringUp, refuseGoneHome, refuseHopeless } from './bring-up.ts'
import type { PowerDeps, PowerInput } from './power-commands.ts'
import type { Toolkit } from './toolkit.ts'
import { resolveEnvironment } from './views.ts'

/**
 * Accepts a reboot of a guest that exists; throws `wrong_state` where none does. A guest whose home is positively gone is
 * left alone: it may hold the last of it.
 */
export async function reboot(deps: PowerDeps, caller: Requester, input: PowerInput): Promise<Operation> {
  const { toolkit, engine, capacity } = deps
  const { store } = toolkit
  const command = { kind: 'reboot', caller, commandId: input.commandId, input } as const
  const replayed = engine.replayOf(command)
  if (replayed !== undefined) return replayed
  const asked = resolveEnvironment(store, input.environment)
  await refuseHopeless(toolkit, asked)
  if (hasGuest(toolkit, asked)) await refuseGoneHome(toolkit, asked)
  let environment: StoredEnvironment
  return engine.accept({
    ...command,
    target: () => (environment = resolveEnvironment(store, input.environment)),
    admit: () => {
      if (!hasGuest(toolkit, environment)) throw withoutGuest(environment)
      admitBringUp(toolkit, environment, { capacity, generation: input.generation })
    },
  })
}

/** The claim is held where this is asked for good: no state is on its way to another. */
function hasGuest({ store }: Toolkit, { id, observed }: StoredEnvironment): boolean {
  const isSeen = observed.kind === 'running' || observed.kind === 'unknown'
  return isSeen && store.boots.liveOf(id) !== undefined
}

function withoutGuest({ name, observed }: StoredEnvironment): PilothouseError {
  const message = `${name} is ${observed.kind}: there is no guest to reboot.`
  const hint = HINTS[observed.kind] ?? 'Recover it instead; its home is kept.'
  return new PilothouseError('wrong_state', message, { hint, details: { state: observed.kind } })
}

const HINTS: Partial<Record<ObservedState['kind'], string>> = { stopped: 'Start it instead; its home is kept.' }
