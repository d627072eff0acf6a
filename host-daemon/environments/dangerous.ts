import { PilothouseError } from '../../src-shared/error.ts'
import type { CommandId, EnvironmentRef, TicketId } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import type { Plan, Ticket } from '../../src-shared/model/plan.ts'
import { inFlight } from '../operations/acceptance.ts'
import type { OperationEngine } from '../operations/engine.ts'
import type { Requester } from '../operations/requester.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { HostCapacity } from '../store/environments-table.ts'
import type { OperationParams } from '../store/operation-row.ts'
import type { StoredTicket } from '../store/tickets-table.ts'
import { factsOf } from './plan-facts.ts'
import type { Tickets } from './tickets.ts'
import type { Toolkit } from './toolkit.ts'
import { resolveEnvironment } from './views.ts'

/** What plans and their runs are made with. */
export interface DangerousDeps {
  readonly toolkit: Toolkit
  readonly engine: OperationEngine
  readonly tickets: Tickets
  readonly hostName: string
  readonly capacity: HostCapacity
}

/** The run of a plan. */
export interface DangerousInput {
  readonly commandId: CommandId
  readonly environment: EnvironmentRef
  readonly ticket?: TicketId | undefined
  /** The environment's name as typed, where the plan asks for it. */
  readonly confirmName?: string | undefined
  readonly reason?: string | undefined
}

/** What one dangerous operation is, beside the path that all of them take. */
export interface DangerousKind {
  readonly kind: 'reset' | 'destroy'
  /** Throws where nothing of the kind may be planned or run for this environment now. */
  refuse(environment: StoredEnvironment): void
  plan(environment: StoredEnvironment): Promise<Plan>
  /** What the steps need beyond the environment's row. */
  params?(environment: StoredEnvironment): OperationParams
  /** What the acceptance changes. Runs in the transaction that claims and consumes the ticket; throws to refuse. */
  admit(environment: StoredEnvironment, params: OperationParams): void
}

/** What it would do, and the ticket to do exactly that. Nothing is touched. */
export async function planDangerous(
  { toolkit, tickets }: DangerousDeps,
  { kind, caller, ref }: { readonly kind: DangerousKind; readonly caller: Requester; readonly ref: EnvironmentRef },
): Promise<{ plan: Plan; ticket: Ticket }> {
  const environment = resolveEnvironment(toolkit.store, ref)
  assertFree(toolkit, environment)
  kind.refuse(environment)
  const plan = await kind.plan(environment)
  return { plan, ticket: tickets.issue(plan, factsOf(environment), caller) }
}

interface DangerousRun {
  readonly kind: DangerousKind
  readonly caller: Requester
  readonly input: DangerousInput
}

/**
 * Runs exactly the plan that the ticket is for, once: ticket, claim and operation are one transaction. A retry of the
 * same command gets its operation, also after the ticket was used. A refusal is recorded and changes nothing.
 */
export async function runDangerous(deps: DangerousDeps, run: DangerousRun): Promise<Operation> {
  const { kind, caller, input } = run
  try {
    return await accept(deps, run)
  } catch (error) {
    const { environment } = input
    if (error instanceof PilothouseError) deps.tickets.recordRefusal(kind.kind, caller, { error, environment })
    throw error
  }
}

function accept({ toolkit, engine, tickets }: DangerousDeps, run: DangerousRun): Promise<Operation> {
  const { kind, caller, input } = run
  const { environment: ref, reason } = input
  let ticket: StoredTicket
  let environment: StoredEnvironment
  let params: OperationParams = {}
  return engine.accept({
    kind: kind.kind,
    caller,
    commandId: input.commandId,
    input,
    detail: reason === undefined ? {} : { reason },
    target: () => {
      ticket = tickets.check(input.ticket, kind.kind, caller)
      environment = resolveEnvironment(toolkit.store, ref)
      tickets.checkTarget(ticket, environment.id)
      return environment
    },
    params: () => (params = kind.params?.(environment) ?? {}),
    admit: (operationId) => {
      kind.refuse(environment)
      tickets.checkFacts(ticket, factsOf(environment))
      assertName(environment, ticket, input.confirmName)
      tickets.consume(ticket, operationId)
      kind.admit(environment, params)
    },
  })
}

function assertFree({ store, clock }: Toolkit, { operationId }: StoredEnvironment): void {
  if (operationId !== null) throw inFlight(store.operations.find(operationId), clock.now())
}

function assertName({ name }: StoredEnvironment, { needsName }: StoredTicket, typed: string | undefined): void {
  if (!needsName || typed === name) return
  const message = `confirmName: must be the environment's name, ${name}, because its home is not empty.`
  throw new PilothouseError('invalid_request', message, { details: { field: 'confirmName' } })
}
