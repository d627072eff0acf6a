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
import type { PlanFacts, StoredTicket } from '../store/tickets-table.ts'
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

/** What it would do, and the permission to do exactly that, once. */
export interface Planned<P = Plan> {
  readonly plan: P
  readonly ticket: Ticket
}

/** What one dangerous operation is, beside the path that all of them take. */
export interface DangerousKind<P extends Plan = Plan> {
  readonly kind: 'reset' | 'destroy' | 'restore' | 'undo_restore' | 'drop_undo'
  /** Throws where nothing of the kind may be planned or run for this environment now. */
  refuse(environment: StoredEnvironment): void
  /** `facts` is all that the plan rests on. */
  plan(environment: StoredEnvironment, facts: PlanFacts): Promise<P>
  /**
   * What the plan rests on beyond the environment's own facts, as the record has it now. `told` is what the ticket's
   * plan rested on; absent while the plan is made. Throws to refuse.
   */
  facts?(environment: StoredEnvironment, told?: PlanFacts): PlanFacts
  /**
   * Asks, once the ticket was found good and before anything is claimed, for what no transaction can look up. Throws to
   * refuse. A retry of a command that was accepted is not asked again.
   */
  recheck?(environment: StoredEnvironment, told: PlanFacts): Promise<void>
  /** What the steps need beyond the environment's row. */
  params?(environment: StoredEnvironment, told: PlanFacts): OperationParams
  /** What the acceptance changes. Runs in the transaction that claims and consumes the ticket; throws to refuse. */
  admit(environment: StoredEnvironment, params: OperationParams): void
}

/** What it would do, and the ticket to do exactly that. Nothing is touched. */
export async function planDangerous<P extends Plan>(
  { toolkit, tickets }: DangerousDeps,
  { kind, caller, ref }: { readonly kind: DangerousKind<P>; readonly caller: Requester; readonly ref: EnvironmentRef },
): Promise<Planned<P>> {
  const environment = resolveEnvironment(toolkit.store, ref)
  assertFree(toolkit, environment)
  kind.refuse(environment)
  const facts = { ...factsOf(environment), ...kind.facts?.(environment) }
  const plan = await kind.plan(environment, facts)
  return { plan, ticket: tickets.issue(plan, facts, caller) }
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
    return (await recheck(deps, run)) ?? (await accept(deps, run))
  } catch (error) {
    const { environment } = input
    if (error instanceof PilothouseError) deps.tickets.recordRefusal(kind.kind, caller, { error, environment })
    throw error
  }
}

/** Answers the operation of a retry. The ticket is held against everything first: what is refused costs no question. */
async function recheck(deps: DangerousDeps, run: DangerousRun): Promise<Operation | undefined> {
  const { kind, caller, input } = run
  if (kind.recheck === undefined) return undefined
  const { commandId } = input
  const replayed = deps.engine.replayOf({ kind: kind.kind, caller, commandId, input })
  if (replayed !== undefined) return replayed
  const target = targetOf(deps, run)
  assertFree(deps.toolkit, target.environment)
  assertAsPlanned(deps, run, target)
  await kind.recheck(target.environment, target.ticket.facts)
  return undefined
}

interface Target {
  readonly ticket: StoredTicket
  readonly environment: StoredEnvironment
}

/** Throws `ticket_*` and `not_found`. */
function targetOf({ toolkit, tickets }: DangerousDeps, { kind, caller, input }: DangerousRun): Target {
  const ticket = tickets.check(input.ticket, kind.kind, caller)
  const environment = resolveEnvironment(toolkit.store, input.environment)
  tickets.checkTarget(ticket, environment.id)
  return { ticket, environment }
}

function assertAsPlanned({ tickets }: DangerousDeps, { kind, input }: DangerousRun, target: Target): void {
  const { ticket, environment } = target
  kind.refuse(environment)
  tickets.checkFacts(ticket, { ...factsOf(environment), ...kind.facts?.(environment, ticket.facts) })
  assertName(environment, ticket, input.confirmName)
}

function accept(deps: DangerousDeps, run: DangerousRun): Promise<Operation> {
  const { kind, caller, input } = run
  const { reason } = input
  let target: Target
  let params: OperationParams = {}
  return deps.engine.accept({
    kind: kind.kind,
    caller,
    commandId: input.commandId,
    input,
    detail: reason === undefined ? {} : { reason },
    target: () => (target = targetOf(deps, run)).environment,
    params: () => (params = kind.params?.(target.environment, target.ticket.facts) ?? {}),
    admit: (operationId) => {
      assertAsPlanned(deps, run, target)
      deps.tickets.consume(target.ticket, operationId)
      kind.admit(target.environment, params)
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
