import type { OperationDefinition, Outcome, Step } from '../operations/step.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { describeFailure } from './failures.ts'
import { prepareHome } from './home-steps.ts'
import { settleStart } from './settle-start.ts'
import { awaitReady, awaitTurn, startGuest } from './start-steps.ts'
import type { Toolkit } from './toolkit.ts'

export interface StartOptions {
  /** Starts of one operation, counted from 1, before it fails. */
  readonly maxAttempts: number
}

/** spawn and start: the same steps; they differ in what a cancel leaves behind. */
export function startOperations(toolkit: Toolkit, { maxAttempts }: StartOptions): OperationDefinition[] {
  const shared = {
    // A backup may be replaying the journal of a home that no guest has.
    claim: { mode: 'exclusive', resource: 'guest', isDisplacing: true } as const,
    steps: [awaitTurn(toolkit), prepareHome(toolkit), ...bringUp(toolkit)],
    retry: { from: START_STEP, maxAttempts },
    describeFailure: describeFailure(toolkit.logger),
    settle: (operation: StoredOperation, outcome: Outcome) => settleStart(toolkit, operation, outcome),
  }
  return [
    { kind: 'spawn', ...shared },
    { kind: 'start', ...shared },
  ]
}

/** Where another attempt at a start begins. */
export const START_STEP = 'start_guest'

/** From no guest to one that is ready, on the home that the environment points at. */
export function bringUp(toolkit: Toolkit): Step[] {
  return [startGuest(toolkit), awaitReady(toolkit)]
}
