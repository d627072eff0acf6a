import { hostIdOf, type BridgeContext } from '../../src-main/bridge/context.ts'
import { PilothouseError, type ErrorCode } from '../../src-shared/error.ts'
import type { Environment } from '../../src-shared/model/environment.ts'
import type { CommandId, TicketId } from '../../src-shared/model/ids.ts'
import type { Operation, OperationKind } from '../../src-shared/model/operation.ts'
import type { Plan, Ticket } from '../../src-shared/model/plan.ts'
import type { DropPlan, RestorePlan, UndoPlan } from '../../src-shared/model/restore.ts'
import type { FakeApp } from './fake-app.ts'

const GIB = 1024 ** 3
const KEPT_MS = 24 * 3_600_000

const STEPS = {
  restore: ['check_point', 11],
  undo_restore: ['check_home', 7],
  drop_undo: ['remove_home', 1],
} as const

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

  planDrop(
    input: { environment: string; home?: string | undefined },
    context: BridgeContext,
  ): { plan: DropPlan; ticket: Ticket } {
    const environment = this.fake.commands.found(context, input.environment)
    const status = this.fake.backups.status(hostIdOf(context), environment.id)
    const reviewed = status?.keptForReview.find(({ homeId }) => homeId === input.home)
    const undo = status?.undo ?? null
    const kept = reviewed ?? (undo === null ? null : { ...undo, keptAt: undo.restoredAt })
    if (kept === null) return refuse('not_found', `No home of ${environment.name} is kept for an undo.`)
    const { homeId, keptAt: replacedAt, bytes: homeBytes } = kept
    const losses = [`The home ${homeId} is removed with everything in it; it cannot be taken back.`]
    const keeps = [`Its own home ${environment.home.id} and its guest are not touched.`]
    const plan: DropPlan = {
      ...this.fake.planFor(environment),
      ...{ kind: 'drop_undo', losses, keeps, homeId, replacedAt, homeBytes },
      text: [`Give up a kept home of ${environment.name}.`, ...losses, ...keeps].join('\n'),
      keptFor: reviewed === undefined ? 'undo' : 'review',
      undoUntil: reviewed === undefined ? (undo?.until ?? null) : null,
      diskFreeBytes: 212 * GIB,
    }
    return { plan, ticket: this.ticketFor('drop_undo', environment) }
  }

  /** Runs a plan with its ticket, once. */
  run(kind: 'restore' | 'undo_restore' | 'drop_undo', input: Ticketed, context: BridgeContext): Operation {
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
    const [step, stepCount] = STEPS[kind]
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
    const keeps = ['The present home is kept until the time of undo is over.']
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
