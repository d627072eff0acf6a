import type { ObservedState } from '../../src-shared/model/environment.ts'
import type { OperationDefinition, Outcome } from '../operations/step.ts'
import type { Boot } from '../store/boots-table.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { describeFailure, failedState } from './failures.ts'
import { awaitReady, awaitTurn, environmentOf, prepareHome, startGuest } from './start-steps.ts'
import type { Toolkit } from './toolkit.ts'

export interface StartOptions {
  /** Starts of one operation, counted from 1, before it fails. */
  readonly maxAttempts: number
}

/** spawn and start: the same steps; they differ in what a cancel leaves behind. */
export function startOperations(toolkit: Toolkit, options: StartOptions): OperationDefinition[] {
  const shared = {
    claim: { mode: 'exclusive', resource: 'guest', isDisplacing: false } as const,
    steps: [awaitTurn(toolkit), prepareHome(toolkit), startGuest(toolkit), awaitReady(toolkit)],
    retry: { from: 'start_guest', maxAttempts: options.maxAttempts },
    describeFailure: describeFailure(toolkit.logger),
    settle: (operation: StoredOperation, outcome: Outcome) => settleStart(toolkit, operation, outcome),
  }
  return [
    { kind: 'spawn', ...shared },
    { kind: 'start', ...shared },
  ]
}

function settleStart(toolkit: Toolkit, operation: StoredOperation, outcome: Outcome): void {
  const { store, clock } = toolkit
  const environment = environmentOf(toolkit, operation)
  const now = clock.now()
  const boot = store.boots.liveOf(environment.id)
  if (outcome.kind === 'cancelled') {
    settleCancelled(toolkit, operation)
    return
  }
  if (outcome.kind === 'succeeded') {
    store.environments.setObserved(environment.id, startedState(environment, { operation, boot, now }), now)
    return
  }
  // A guest that ran before and still runs is not made worse by a start that had nothing to do.
  if (boot !== undefined && boot.operationId !== operation.id) return
  store.environments.setObserved(environment.id, failedState(outcome, now), now)
}

/** A cancelled spawn leaves nothing; a cancelled start leaves the environment stopped, as it was. */
function settleCancelled({ store, clock }: Toolkit, { kind, environmentId: id }: StoredOperation): void {
  const now = clock.now()
  if (kind === 'spawn') {
    store.environments.setDestroyed(id, now)
    return
  }
  if (store.boots.liveOf(id) !== undefined) return
  store.environments.setDesired(id, 'stopped')
  store.environments.setObserved(id, { kind: 'stopped', since: now }, now)
}

interface Started {
  readonly operation: StoredOperation
  readonly boot: Boot | undefined
  readonly now: number
}

function startedState(environment: StoredEnvironment, { operation, boot, now }: Started): ObservedState {
  const { observed } = environment
  if (boot === undefined) return { kind: 'lost', since: now, detail: 'The guest ended right after its start.' }
  if (observed.kind === 'running' && observed.bootId === boot.id) return observed
  const agent = boot.operationId === operation.id ? 'answering' : 'silent'
  return { kind: 'running', since: now, bootId: boot.id, agent }
}
