import { hostIdOf, type BridgeContext } from '../../src-main/bridge/context.ts'
import { PilothouseError, type ErrorCode } from '../../src-shared/error.ts'
import type { Environment, EnvironmentSize } from '../../src-shared/model/environment.ts'
import type { HostId, TicketId } from '../../src-shared/model/ids.ts'
import type { Operation, OperationKind } from '../../src-shared/model/operation.ts'
import type { Plan, Ticket } from '../../src-shared/model/plan.ts'
import type { FakeApp } from './fake-app.ts'

export type FakeDanger = 'reset' | 'destroy'

interface FakeTicket extends Ticket {
  readonly kind: FakeDanger
  readonly environmentId: string
  readonly generation: number
  readonly needsName: boolean
  isUsed: boolean
}

interface Given {
  readonly commandId: string
  readonly environment: string
  readonly generation?: number | undefined
}

const refuse = (code: ErrorCode, message: string, details?: Record<string, unknown>): never => {
  throw new PilothouseError(code, message, details === undefined ? {} : { details })
}

/** How the fake takes commands: by the contract's rules, as far as a screen can tell. */
export class FakeCommands {
  private readonly tickets = new Map<string, FakeTicket>()
  private readonly fake: FakeApp

  constructor(fake: FakeApp) {
    this.fake = fake
  }

  found(context: BridgeContext, ref: string): Environment {
    const environment = this.fake.environment(hostIdOf(context), ref)
    return environment ?? refuse('not_found', `There is no environment ${ref}.`)
  }

  /** A command on what is there: idempotent, one at a time, refused for a generation that has passed. */
  order(kind: OperationKind, input: Given, context: BridgeContext): Operation {
    const hostId = hostIdOf(context)
    const known = this.replayed(hostId, input.commandId)
    if (known !== undefined) return known
    const environment = this.found(context, input.environment)
    this.assertSound(environment)
    this.assertFree(hostId, environment)
    const { name, generation } = environment
    if (input.generation !== undefined && input.generation !== generation)
      refuse('generation_mismatch', `${name} is at generation ${generation}, not ${input.generation}.`)
    return this.accept(kind, { hostId, environment, commandId: input.commandId, context })
  }

  reboot(input: Given, context: BridgeContext): Operation {
    const { name, observed } = this.found(context, input.environment)
    if (observed.kind !== 'running') refuse('wrong_state', `${name} is not running.`)
    return this.order('reboot', input, context)
  }

  resize(input: Given & { size: Partial<Record<keyof EnvironmentSize, number | undefined>> }, context: BridgeContext) {
    const environment = this.found(context, input.environment)
    const { name, observed, home, size } = environment
    if (observed.kind !== 'stopped') refuse('wrong_state', `${name} is not stopped.`)
    const homeMiB = input.size.homeMiB ?? home.sizeMiB
    if (homeMiB < home.sizeMiB)
      refuse('invalid_request', `size.homeMiB: the home has ${home.sizeMiB} MiB and only grows.`)
    const operation = this.order('resize', input, context)
    const { cpus = size.cpus, memoryMiB = size.memoryMiB } = input.size
    const change = { size: { cpus, memoryMiB, homeMiB }, home: { ...home, sizeMiB: homeMiB } }
    this.fake.changeEnvironment(hostIdOf(context), environment.id, change)
    return operation
  }

  rename(input: { environment: string; name: Environment['name'] }, context: BridgeContext): Environment {
    const hostId = hostIdOf(context)
    const environment = this.found(context, input.environment)
    this.assertSound(environment)
    const other = this.fake.environment(hostId, input.name)
    if (other !== undefined && other.id !== environment.id)
      refuse('name_taken', `There is already an environment called ${input.name}.`)
    return this.fake.changeEnvironment(hostId, environment.id, { name: input.name })
  }

  setLabels(input: { environment: string; labels: Environment['labels'] }, context: BridgeContext): Environment {
    const environment = this.found(context, input.environment)
    this.assertSound(environment)
    return this.fake.changeEnvironment(hostIdOf(context), environment.id, { labels: input.labels })
  }

  plan(kind: FakeDanger, ref: string, context: BridgeContext): { plan: Plan; ticket: Ticket } {
    const environment = this.found(context, ref)
    if (kind === 'reset') this.assertSound(environment)
    this.assertUnprotected(environment)
    this.assertFree(hostIdOf(context), environment)
    const plan = this.fake.planFor(environment, kind)
    const ticket = { id: `tkt-${this.fake.hex(32)}` as TicketId, expiresAt: Date.now() + this.fake.ticketLivesMs }
    const { id: environmentId, generation } = environment
    this.tickets.set(ticket.id, {
      ...ticket,
      kind,
      environmentId,
      generation,
      needsName: plan.needsName,
      isUsed: false,
    })
    return { plan, ticket }
  }

  run(
    kind: FakeDanger,
    input: { commandId: string; environment: string; ticket?: string | undefined; confirmName?: string | undefined },
    context: BridgeContext,
  ): Operation {
    const hostId = hostIdOf(context)
    const known = this.replayed(hostId, input.commandId)
    if (known !== undefined) return known
    const environment = this.found(context, input.environment)
    const ticket = this.checked(kind, environment, input.ticket)
    this.assertUnprotected(environment)
    this.assertFree(hostId, environment)
    if (ticket.generation !== environment.generation) {
      const changes = [`generation was ${ticket.generation} and is ${environment.generation}`]
      refuse('plan_outdated', `Since the plan was made, ${changes.join('; ')}. Nothing was touched.`, { changes })
    }
    if (ticket.needsName && input.confirmName !== environment.name)
      refuse('invalid_request', `confirmName: must be the environment's name, ${environment.name}.`)
    ticket.isUsed = true
    return this.accept(kind, { hostId, environment, commandId: input.commandId, context })
  }

  private checked(kind: FakeDanger, environment: Environment, id: string | undefined): FakeTicket {
    if (id === undefined) return refuse('ticket_required', 'A plan and its ticket are needed.')
    const ticket = this.tickets.get(id)
    if (ticket?.kind !== kind || ticket.environmentId !== environment.id)
      return refuse('ticket_invalid', 'The ticket is not for this.')
    if (ticket.isUsed) refuse('ticket_used', 'The ticket has been used.')
    if (Date.now() >= ticket.expiresAt) refuse('ticket_expired', 'The ticket has expired.')
    return ticket
  }

  private replayed(hostId: HostId, commandId: string): Operation | undefined {
    return this.fake.states.get(hostId)?.operations.find((each) => each.commandId === commandId)
  }

  private accept(
    kind: OperationKind,
    given: { hostId: HostId; environment: Environment; commandId: string; context: BridgeContext },
  ): Operation {
    const { hostId, environment, context } = given
    const phase = kind === 'start' ? ('requested' as const) : null
    const about = { kind, commandId: given.commandId as Operation['commandId'], phase, requestId: context.requestId }
    return this.fake.begin(hostId, { ...environment, generation: environment.generation + 1 }, about)
  }

  private assertFree(hostId: HostId, { operationId }: Environment): void {
    if (operationId === null) return
    const other = this.fake.states.get(hostId)?.operations.find((each) => each.id === operationId)
    if (other === undefined || other.status.kind !== 'running') return
    const { kind, actor, step } = other
    refuse('operation_in_flight', `${kind} by ${actor.user} is running: ${step}.`, { kind, user: actor.user, step })
  }

  private assertSound({ name, quarantine }: Environment): void {
    if (quarantine !== null) refuse('environment_quarantined', `${name} is quarantined: ${quarantine}`)
  }

  private assertUnprotected({ name, isProtected }: Environment): void {
    if (isProtected) refuse('deletion_protected', `${name} is protected against deletion.`)
  }
}
