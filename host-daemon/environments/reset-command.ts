import { PilothouseError } from '../../src-shared/error.ts'
import type { EnvironmentRef } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { Plan, Ticket } from '../../src-shared/model/plan.ts'
import type { Requester } from '../operations/requester.ts'
import type { DangerousDeps, DangerousInput } from './dangerous.ts'

/** What resetting would do, and the ticket to do exactly that. */
export function planReset(
  _deps: DangerousDeps,
  _caller: Requester,
  _ref: EnvironmentRef,
): Promise<{ plan: Plan; ticket: Ticket }> {
  return Promise.reject(new PilothouseError('internal', 'Not built yet.'))
}

/** Runs exactly the plan that the ticket is for, once. A refusal is recorded and changes nothing. */
export function runReset(_deps: DangerousDeps, _caller: Requester, _input: DangerousInput): Promise<Operation> {
  return Promise.reject(new PilothouseError('internal', 'Not built yet.'))
}
