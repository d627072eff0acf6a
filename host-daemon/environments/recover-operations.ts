import type { OperationDefinition, Outcome } from '../operations/step.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import { endGuest } from './end-steps.ts'
import { describeFailure } from './failures.ts'
import { checkHome, prepareHome } from './home-steps.ts'
import { settleStart } from './settle-start.ts'
import { bringUp, START_STEP, type StartOptions } from './start-operations.ts'
import { awaitTurn } from './start-steps.ts'
import type { Toolkit } from './toolkit.ts'

/** A reboot, and where that fails everything but the home made anew. */
const RECOVER_ATTEMPTS = 2

/** recover and reboot. */
export function recoverOperations(toolkit: Toolkit, { maxAttempts }: StartOptions): OperationDefinition[] {
  const { stopGraceMs: graceMs } = toolkit.deadlines
  const shared = {
    describeFailure: describeFailure(toolkit.logger),
    settle: (operation: StoredOperation, outcome: Outcome) => settleStart(toolkit, operation, outcome),
  }
  const end = endGuest(toolkit, { name: 'end_guest', graceMs })
  return [
    {
      kind: 'reboot',
      claim: { mode: 'exclusive', resource: 'guest', isDisplacing: true },
      // The turn first: the guest runs on for as long as others are starting.
      steps: [awaitTurn(toolkit), endGuest(toolkit, { name: 'stop_guest', graceMs }), ...bringUp(toolkit)],
      retry: { from: START_STEP, maxAttempts },
      ...shared,
    },
    {
      kind: 'recover',
      claim: { mode: 'exclusive', resource: 'guest', isDisplacing: true },
      steps: [checkHome(toolkit), awaitTurn(toolkit), end, prepareHome(toolkit), ...bringUp(toolkit)],
      retry: { from: end.name, maxAttempts: RECOVER_ATTEMPTS },
      recordAs: (outcome) => (isHomeGone(outcome) ? 'stopped_home_gone' : null),
      ...shared,
    },
  ]
}

function isHomeGone(outcome: Outcome): boolean {
  return outcome.kind === 'failed' && outcome.failure.code === 'home_gone' && outcome.isRolledBack
}
