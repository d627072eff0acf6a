import type { Operation } from '../../src-shared/model/operation.ts'
import type { Requester } from '../operations/requester.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import { admitBringUp, refuseHopeless } from './bring-up.ts'
import type { PowerDeps, PowerInput } from './power-commands.ts'
import { resolveEnvironment } from './views.ts'

export interface RecoverInput extends PowerInput {
  readonly reason?: string | undefined
}

export interface RecoverDeps extends PowerDeps {
  /** Runs inside the acceptance's transaction, once the claim is held; not for a retry. Throws to refuse. */
  readonly onAccepted?: () => void
}

/** Accepts a recover, in whatever state the environment is. Whether the home is there is the operation's to find out. */
export async function recover(deps: RecoverDeps, caller: Requester, input: RecoverInput): Promise<Operation> {
  const { toolkit, engine, capacity, onAccepted } = deps
  const { store } = toolkit
  const { commandId, environment: ref, generation, reason } = input
  const command = { kind: 'recover', caller, commandId, input } as const
  const replayed = engine.replayOf(command)
  if (replayed !== undefined) return replayed
  await refuseHopeless(toolkit, resolveEnvironment(store, ref))
  let environment: StoredEnvironment
  return engine.accept({
    ...command,
    detail: reason === undefined ? {} : { reason },
    target: () => (environment = resolveEnvironment(store, ref)),
    admit: () => {
      admitBringUp(toolkit, environment, { capacity, generation })
      onAccepted?.()
    },
  })
}
