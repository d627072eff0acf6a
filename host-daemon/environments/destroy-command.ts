import { PilothouseError } from '../../src-shared/error.ts'
import type { EnvironmentRef } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { Plan, Ticket } from '../../src-shared/model/plan.ts'
import { inFlight } from '../operations/acceptance.ts'
import type { Requester } from '../operations/requester.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { StoredTicket } from '../store/tickets-table.ts'
import type { DangerousDeps, DangerousInput } from './dangerous.ts'
import { destroyPlan, factsOf, inspectHome } from './destroy-plan.ts'
import { mutate } from './power-commands.ts'
import type { Toolkit } from './toolkit.ts'
import { resolveEnvironment } from './views.ts'

/** What destroying would do, and the ticket to do exactly that. */
export async function planDestroy(
  deps: DangerousDeps,
  caller: Requester,
  ref: EnvironmentRef,
): Promise<{ plan: Plan; ticket: Ticket }> {
  const { toolkit, tickets, hostName } = deps
  const environment = resolveEnvironment(toolkit.store, ref)
  assertFree(toolkit, environment)
  assertUnprotected(environment)
  const home = await inspectHome(toolkit, environment)
  const plan = destroyPlan(environment, home, hostName)
  return { plan, ticket: tickets.issue(plan, factsOf(environment), caller) }
}

/** Runs exactly the plan that the ticket is for, once. A refusal is recorded and changes nothing. */
export function runDestroy(deps: DangerousDeps, caller: Requester, input: DangerousInput): Operation {
  try {
    return accept(deps, caller, input)
  } catch (error) {
    const { environment } = input
    if (error instanceof PilothouseError) deps.tickets.recordRefusal('destroy', caller, { error, environment })
    throw error
  }
}

function accept({ toolkit, engine, tickets }: DangerousDeps, caller: Requester, input: DangerousInput): Operation {
  const { store } = toolkit
  const { commandId, environment: ref, reason } = input
  let ticket: StoredTicket
  let environment: StoredEnvironment
  return engine.accept({
    kind: 'destroy',
    caller,
    commandId,
    input,
    detail: reason === undefined ? {} : { reason },
    target: () => {
      ticket = tickets.check(input.ticket, 'destroy', caller)
      environment = resolveEnvironment(store, ref)
      tickets.checkTarget(ticket, environment.id)
      return environment
    },
    admit: (operationId) => {
      assertUnprotected(environment)
      tickets.checkFacts(ticket, factsOf(environment))
      assertName(environment, ticket, input.confirmName)
      tickets.consume(ticket, operationId)
      mutate(store, environment, { desired: 'stopped' })
    },
  })
}

function assertFree({ store, clock }: Toolkit, { operationId }: StoredEnvironment): void {
  if (operationId !== null) throw inFlight(store.operations.find(operationId), clock.now())
}

function assertUnprotected({ name, isProtected }: StoredEnvironment): void {
  if (isProtected) throw new PilothouseError('deletion_protected', `${name} is protected against deletion.`)
}

function assertName({ name }: StoredEnvironment, { needsName }: StoredTicket, typed: string | undefined): void {
  if (!needsName || typed === name) return
  const message = `confirmName: must be the environment's name, ${name}, because its home is not empty.`
  throw new PilothouseError('invalid_request', message, { details: { field: 'confirmName' } })
}
