import { hostIdOf, type BridgeContext } from '../../src-main/bridge/context.ts'
import { PilothouseError, type ErrorCode } from '../../src-shared/error.ts'
import type { Environment } from '../../src-shared/model/environment.ts'
import type { CommandId, TicketId } from '../../src-shared/model/ids.ts'
import type { Operation, OperationKind } from '../../src-shared/model/operation.ts'
import type { Plan, Ticket } from '../../src-shared/model/plan.ts'
import type { RestorePlan, UndoPlan } from '../../src-shared/model/restore.ts'
import type { FakeApp } from './fake-app.ts'

const GIB = 1024 ** 3
const KEPT_MS = 24 * 3_600_000

interface Ticketed {
  readonly commandId: string
  readonly environment: string
  readonly ticket?: string | undefined
  readonly confirmName?: string | undefined
}

const refuse = (code: ErrorCode, message: string): never => {
  throw new PilothouseError(code, message)
}

/** How the fake restores: plans with tickets, and operations that a test takes on by hand. */
export class FakeRestores {
  /** Changes what the next plans say. */
  plan: Partial<RestorePlan> = {}
  private readonly tickets = new Map<string, { kind: OperationKind; environmentId: string; isUsed: boolean }>()
  private readonly fake: FakeApp

  constructor(fake: FakeApp) {
    this.fake = fake
  }

  planRestore(
    input: { environment: string; point: string; isStopNow: boolean },
    context: BridgeContext,
  ): { plan: RestorePlan; ticket: Ticket } {
    const environment = this.fake.commands.found(context, input.environment)
    const point = this.fake.backups.point(input, context)
    const now = Date.now()
    const changes = { added: 38, changed: 1204, removed: 12, bytesWritten: GIB / 2, bytesRemoved: 4_194_304 }
    const plan: RestorePlan = {
      ...this.base('restore', environment, ['What was written since the point is lost, if it is not undone.']),
      kind: 'restore',
      point,
      ageMs: now - point.takenAt,
      loss: { kind: 'counted', changes },
      isStopNow: input.isStopNow,
      diskNeededBytes: point.bytes,
      diskFreeBytes: 212 * GIB,
      undoUntil: now + KEPT_MS,
      dropsUndo: this.fake.backups.status(hostIdOf(context), environment.id)?.undo !== null,
      ...this.plan,
    }
    return { plan, ticket: this.ticketFor('restore', environment) }
  }

  planUndo(ref: string, context: BridgeContext): { plan: UndoPlan; ticket: Ticket } {
    const environment = this.fake.commands.found(context, ref)
    const undo = this.fake.backups.status(hostIdOf(context), environment.id)?.undo ?? null
    if (undo === null) return refuse('nothing_to_undo', 'No home is kept for undo.')
    const base = this.base('undo_restore', environment, ['What was written since the restore is set aside.'])
    const plan = { ...base, kind: 'undo_restore' as const, replacedAt: undo.restoredAt, undoUntil: undo.until }
    return { plan, ticket: this.ticketFor('undo_restore', environment) }
  }

  /** Runs a plan with its ticket, once. */
  run(kind: 'restore' | 'undo_restore', input: Ticketed, context: BridgeContext): Operation {
    const known = this.fake.states.get(hostIdOf(context))?.operations.find((each) => each.commandId === input.commandId)
    if (known !== undefined) return known
    const environment = this.fake.commands.found(context, input.environment)
    if (input.ticket === undefined) return refuse('ticket_required', 'A plan and its ticket are needed.')
    const ticket = this.tickets.get(input.ticket)
    if (ticket?.kind !== kind || ticket.environmentId !== environment.id)
      return refuse('ticket_invalid', 'The ticket is not for this.')
    if (ticket.isUsed) return refuse('ticket_used', 'The ticket has been used.')
    if (input.confirmName !== environment.name)
      return refuse('invalid_request', `confirmName: must be the environment's name, ${environment.name}.`)
    ticket.isUsed = true
    const { id } = this.fake.commands.order(kind, input, context)
    const [step, stepCount] = kind === 'restore' ? (['check_point', 11] as const) : (['check_home', 7] as const)
    return this.fake.changeOperation(hostIdOf(context), id, { step, stepIndex: 0, stepCount })
  }

  clone(input: { commandId: string; environment: string; name: string; owner: string }, context: BridgeContext) {
    const { image, size } = this.fake.commands.found(context, input.environment)
    const environment = this.fake.newEnvironment({ name: input.name, owner: input.owner, image, size })
    const steps = { step: 'check_point', stepCount: 8 }
    const ids = { commandId: input.commandId as CommandId, requestId: context.requestId }
    const about = { kind: 'clone' as const, ...ids, ...steps }
    return this.fake.begin(hostIdOf(context), environment, about)
  }

  private base(kind: OperationKind, environment: Environment, losses: string[]): Plan {
    const keeps = ['The home of now is kept until the time of undo is over.']
    const first = `The home of ${environment.name} (${environment.id}) is replaced.`
    return {
      ...this.fake.planFor(environment),
      kind,
      text: [first, 'The guest stops for about 40 s.', ...losses, ...keeps].join('\n'),
      losses,
      keeps,
    }
  }

  private ticketFor(kind: OperationKind, { id: environmentId }: Environment): Ticket {
    const id = `tkt-${this.fake.hex(32)}` as TicketId
    this.tickets.set(id, { kind, environmentId, isUsed: false })
    return { id, expiresAt: Date.now() + this.fake.ticketLivesMs }
  }
}
