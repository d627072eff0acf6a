import type { ObservedState } from '../../src-shared/model/environment.ts'
import type { Outcome } from '../operations/step.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { environmentOf } from './environment-of.ts'
import { failedState } from './failures.ts'
import type { Toolkit } from './toolkit.ts'

/** What the end of any operation that brings a guest up means for the environment. */
export function settleStart(toolkit: Toolkit, operation: StoredOperation, outcome: Outcome): void {
  const environment = environmentOf(toolkit, operation)
  if (outcome.kind === 'succeeded') {
    settleSucceeded(toolkit, operation, environment)
    return
  }
  if (outcome.kind === 'cancelled') settleCancelled(toolkit, operation, environment)
  else settleFailed(toolkit, operation, outcome)
  const isClean = outcome.kind === 'cancelled' || outcome.isRolledBack
  const hasHome = toolkit.store.environments.homeMadeAt(environment.home.id) !== null
  if (isClean && !hasHome) toolkit.store.environments.setUncounted(environment.id)
}

function settleSucceeded(toolkit: Toolkit, operation: StoredOperation, environment: StoredEnvironment): void {
  const { store, clock } = toolkit
  const now = clock.now()
  store.environments.setObserved(environment.id, startedState(toolkit, operation, environment), now)
}

/** A cancelled spawn leaves nothing. Anything else leaves what is true: no guest that was begun is left. */
function settleCancelled({ store, clock }: Toolkit, { kind }: StoredOperation, environment: StoredEnvironment): void {
  const { id, observed } = environment
  const now = clock.now()
  if (kind === 'spawn') {
    store.environments.setDestroyed(id, now)
    return
  }
  if (store.boots.liveOf(id) !== undefined) return
  const isUntouched = observed.kind === 'failed' || observed.kind === 'lost' || observed.kind === 'unknown'
  if (isUntouched) return
  store.environments.setDesired(id, 'stopped')
  if (observed.kind !== 'stopped') store.environments.setObserved(id, { kind: 'stopped', since: now }, now)
}

function settleFailed(toolkit: Toolkit, operation: StoredOperation, outcome: Outcome & { kind: 'failed' }): void {
  const { store, clock } = toolkit
  const { id, observed } = environmentOf(toolkit, operation)
  const boot = store.boots.liveOf(id)
  // A guest that ran before and still runs is not made worse by an operation that got nowhere.
  if (boot !== undefined && boot.operationId !== operation.id) return
  if (operation.step === 'check_home' && observed.kind !== 'creating') {
    if (observed.kind === 'stopped') store.environments.setDesired(id, 'stopped')
    return
  }
  const now = clock.now()
  store.environments.setObserved(id, failedState(outcome, now), now)
}

function startedState(
  { store, clock }: Toolkit,
  operation: StoredOperation,
  { id, observed }: StoredEnvironment,
): ObservedState {
  const boot = store.boots.liveOf(id)
  const now = clock.now()
  if (boot === undefined) return { kind: 'lost', since: now, detail: 'The guest ended right after its start.' }
  if (observed.kind === 'running' && observed.bootId === boot.id) return observed
  const agent = boot.operationId === operation.id ? 'answering' : 'silent'
  return { kind: 'running', since: now, bootId: boot.id, agent }
}
