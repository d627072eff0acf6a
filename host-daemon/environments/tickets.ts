import { PilothouseError } from '../../src-shared/error.ts'
import type { Clock, RandomSource } from '../../src-shared/lib/clock.ts'
import { keepOnly } from '../../src-shared/lib/keep-only.ts'
import type { CommandId, EnvironmentId, EnvironmentRef, OperationId, TicketId } from '../../src-shared/model/ids.ts'
import type { Plan, Ticket } from '../../src-shared/model/plan.ts'
import type { Requester } from '../operations/requester.ts'
import type { Store } from '../store/store.ts'
import type { PlanFacts, StoredTicket, TicketKind } from '../store/tickets-table.ts'
import { changesBetween } from './plan-facts.ts'

/** A ticket lives no longer than this, in milliseconds. */
export const TICKET_LIFETIME_MS = 5 * 60_000

export interface TicketsDeps {
  readonly store: Store
  readonly clock: Clock
  readonly random: RandomSource
  /** At most `TICKET_LIFETIME_MS`. */
  readonly lifetimeMs: number
}

/** What was refused, and what it was asked of. */
interface Refusal {
  readonly error: PilothouseError
  readonly environment: EnvironmentRef
}

interface HostPlan {
  readonly kind: 'clean_up'
  readonly text: string
  readonly hash: string
  readonly needsName: boolean
}

interface HostCommand {
  readonly commandId: CommandId
  readonly inputHash: string
}

type AnyPlan = Omit<HostPlan, 'kind'> & { readonly kind: TicketKind; readonly environmentId: EnvironmentId | null }

/** Single-use permissions, each to run exactly one plan. */
export class Tickets {
  private readonly deps: TicketsDeps
  /** Of those that may still be good: when each was made, in real time. */
  private readonly madeAt = new Map<TicketId, number>()
  private readonly startedAt: number

  constructor(deps: TicketsDeps) {
    this.deps = { ...deps, lifetimeMs: Math.min(deps.lifetimeMs, TICKET_LIFETIME_MS) }
    this.startedAt = deps.clock.monotonicMs()
  }

  /** Durable when it returns. */
  issue(plan: Plan, facts: PlanFacts, caller: Requester): Ticket {
    return this.write(plan, facts, caller)
  }

  /** The same for what concerns the host alone. */
  issueForHost(plan: HostPlan, facts: PlanFacts, caller: Requester): Ticket {
    return this.write({ ...plan, environmentId: null }, facts, caller)
  }

  private write(plan: AnyPlan, facts: PlanFacts, caller: Requester): Ticket {
    const { store, clock, random, lifetimeMs } = this.deps
    const id = `tkt-${random.hex(16)}` as TicketId
    const createdAt = clock.now()
    const expiresAt = createdAt + lifetimeMs
    const { user, uid, role } = caller.actor
    const { kind, environmentId, hash: planHash, needsName } = plan
    const bound = { kind, environmentId, user, uid, role, planHash, facts, needsName }
    store.db.transaction(() => {
      store.tickets.insert({ id, ...bound, createdAt, expiresAt })
      const action = kind === 'clean_up' ? 'drift.plan' : `${kind}.plan`
      const about = { action, outcome: 'planned', detail: { planHash, text: plan.text } }
      const { actor, requestId } = caller
      store.activity.append({ ...about, at: createdAt, actor, requestId, operationId: null, environmentId })
    })
    this.remember(id)
    return { id, expiresAt }
  }

  private remember(id: TicketId): void {
    keepOnly(this.madeAt, (known) => !this.isTooOld(known))
    this.madeAt.set(id, this.deps.clock.monotonicMs())
  }

  /** In real time; one of an earlier daemon is as old as this one at least. */
  private isTooOld(id: TicketId): boolean {
    const { clock, lifetimeMs } = this.deps
    return clock.monotonicMs() - (this.madeAt.get(id) ?? this.startedAt) >= lifetimeMs
  }

  /** Everything about the ticket that does not need the environment. Throws `ticket_*`. */
  check(id: TicketId | undefined, kind: TicketKind, caller: Requester): StoredTicket {
    if (id === undefined) throw new PilothouseError('ticket_required', `To ${kind}, a ticket is needed.`)
    const ticket = this.deps.store.tickets.find(id)
    if (ticket?.kind !== kind) throw new PilothouseError('ticket_invalid', `This is not a ticket to ${kind}.`)
    const { user, uid, role } = caller.actor
    if (ticket.user !== user || ticket.uid !== uid || ticket.role !== role) {
      throw new PilothouseError('ticket_foreign', 'The ticket was made for another user or role.')
    }
    if (ticket.usedAt !== null) throw usedTicket(ticket)
    this.checkAge(ticket)
    return ticket
  }

  /** A clock that was set back makes no ticket live longer: one from the future is of an age that nobody knows. */
  private checkAge({ id, createdAt, expiresAt }: StoredTicket): void {
    const now = this.deps.clock.now()
    if (now >= expiresAt || this.isTooOld(id)) throw new PilothouseError('ticket_expired', 'The ticket has expired.')
    if (now >= createdAt) return
    throw new PilothouseError('ticket_expired', "The host's clock was set back since the ticket was made.")
  }

  /** Throws `ticket_invalid` for a ticket that was made for another environment. */
  checkTarget(ticket: StoredTicket, environmentId: EnvironmentId): void {
    if (ticket.environmentId === environmentId) return
    throw new PilothouseError('ticket_invalid', 'The ticket is for another environment.')
  }

  /** Throws `plan_outdated`, saying what has changed of all that the plan rests on. */
  checkFacts(ticket: StoredTicket, facts: PlanFacts): void {
    const changes = changesBetween(ticket.facts, facts)
    if (changes.length === 0) return
    const message = `Since the plan was made, ${changes.join('; ')}. Nothing was touched.`
    throw new PilothouseError('plan_outdated', message, { details: { changes } })
  }

  /** Only inside the transaction that claims the operation. */
  consume(ticket: StoredTicket, operationId: OperationId): void {
    const use = { by: operationId, at: this.deps.clock.now(), inputHash: null }
    if (!this.deps.store.tickets.consume(ticket.id, use)) throw usedTicket(ticket)
  }

  /** Only inside the transaction that records that the clean-up was asked for. */
  consumeForHost(ticket: StoredTicket, { commandId: by, inputHash }: HostCommand): void {
    const use = { by, at: this.deps.clock.now(), inputHash }
    if (!this.deps.store.tickets.consume(ticket.id, use)) throw usedTicket(ticket)
  }

  /** Every refusal is recorded; it changes nothing else. */
  recordRefusal(kind: TicketKind, caller: Requester, { error, environment }: Refusal): void {
    const { store, clock } = this.deps
    const { actor, requestId } = caller
    const { code, message } = error
    const about = { action: kind, outcome: 'refused', detail: { code, message, environment } }
    const environmentId = store.environments.resolve(environment)?.id ?? null
    const entry = { ...about, at: clock.now(), actor, requestId, operationId: null, environmentId }
    store.db.transaction(() => store.activity.append(entry))
  }
}

function usedTicket({ operationId, commandId }: StoredTicket): PilothouseError {
  const by = operationId ?? commandId
  const message = `The ticket has been used${by === null ? '' : ` by ${by}`}.`
  return new PilothouseError('ticket_used', message, { details: { operationId } })
}
