import { PilothouseError } from '../../src-shared/error.ts'
import type { DriftPlan, DriftReport, DriftResult } from '../../src-shared/model/drift.ts'
import type { CommandId, TicketId } from '../../src-shared/model/ids.ts'
import type { Planned } from '../environments/dangerous.ts'
import type { Tickets } from '../environments/tickets.ts'
import type { Toolkit } from '../environments/toolkit.ts'
import { hashOf } from '../operations/input-hash.ts'
import type { Requester } from '../operations/requester.ts'
import type { StoredTicket } from '../store/tickets-table.ts'
import { CleanUpRuns, reusedCommand } from './clean-up-runs.ts'
import { driftPlan, factsOf } from './drift-plan.ts'
import { findDrift, type Leftover } from './find-drift.ts'

export interface DriftDeps {
  readonly toolkit: Toolkit
  readonly tickets: Tickets
  readonly hostName: string
}

export interface DriftRunInput {
  readonly commandId: CommandId
  readonly ticket?: TicketId | undefined
  readonly confirmName?: string | undefined
  readonly reason?: string | undefined
}

/** How many leftovers are named in the record of what was found at a start; all of them are counted. */
const NAMED_AT_START = 50
const STILL_THERE = 'It is still there: the daemon was restarted before it was removed, or could not remove it.'

/** What is on the host that the record does not account for, and its clean-up, previewed first. */
export class DriftService {
  private readonly deps: DriftDeps
  private readonly runs = new CleanUpRuns()

  constructor(deps: DriftDeps) {
    this.deps = deps
  }

  /** Looked up now. */
  async list(signal: AbortSignal): Promise<DriftReport> {
    const { surveyedAt, leftovers, problems } = await findDrift(this.deps.toolkit, signal)
    return { surveyedAt, items: leftovers.map(({ item }) => item), problems: [...problems] }
  }

  /** Throws `not_found` for an id that is no leftover now. */
  async plan(caller: Requester, ids: readonly string[], signal: AbortSignal): Promise<Planned<DriftPlan>> {
    const { toolkit, tickets, hostName } = this.deps
    const { leftovers } = await findDrift(toolkit, signal)
    const known = new Set(leftovers.map(({ item }) => item.id))
    const unknown = ids.find((id) => !known.has(id))
    if (unknown !== undefined) throw new PilothouseError('not_found', `${unknown} is not among the leftovers now.`)
    const items = leftovers.map(({ item }) => item).filter(({ id }) => ids.includes(id))
    const plan = driftPlan(items, hostName)
    const { text, hash, needsName } = plan
    return { plan, ticket: tickets.issueForHost({ kind: 'clean_up', text, hash, needsName }, factsOf(items), caller) }
  }

  /**
   * Removes exactly what the ticket is for, once. A refusal is recorded and changes nothing. Once begun, what the call
   * answers is what has become of each leftover; the record says it too. The same command again is answered with that;
   * by a daemon that was started since, with what it finds left of it.
   */
  run(caller: Requester, input: DriftRunInput, signal: AbortSignal): Promise<DriftResult> {
    return this.runs.once({ caller, input, signal }, async () => {
      return (await this.replayOf(caller, input, signal)) ?? (await this.runOnce(caller, input, signal))
    })
  }

  /** What has become of a clean-up that a daemon before this one began for the command. */
  private async replayOf(
    caller: Requester,
    input: DriftRunInput,
    signal: AbortSignal,
  ): Promise<DriftResult | undefined> {
    const { store } = this.deps.toolkit
    const { commandId } = input
    if (store.commands.find(commandId) !== undefined) throw reusedCommand(commandId)
    const ticket = input.ticket === undefined ? undefined : store.tickets.find(input.ticket)
    const { user, uid } = caller.actor
    if (ticket?.commandId !== commandId || ticket.user !== user || ticket.uid !== uid) return undefined
    if (ticket.inputHash !== null && ticket.inputHash !== hashOf(input)) throw reusedCommand(commandId)
    const { items } = await this.list(signal)
    const there = new Set(items.map(({ id }) => id))
    const planned = Object.keys(ticket.facts)
    const failed = planned.filter((id) => there.has(id)).map((id) => ({ id, problem: STILL_THERE }))
    return { removed: planned.filter((id) => !there.has(id)), failed }
  }

  private async runOnce(caller: Requester, input: DriftRunInput, signal: AbortSignal): Promise<DriftResult> {
    let leftovers: readonly Leftover[]
    try {
      leftovers = await this.accept(caller, input, signal)
    } catch (error) {
      if (error instanceof PilothouseError) this.recordRefusal(caller, error)
      throw error
    }
    const result: DriftResult = { removed: [], failed: [] }
    for (const leftover of leftovers) await this.remove(leftover, { caller, result, signal })
    return result
  }

  /** Says once what a start has found. Never rejects. */
  async reportFound(signal: AbortSignal): Promise<void> {
    const { toolkit } = this.deps
    try {
      const { leftovers, problems } = await findDrift(toolkit, signal)
      if (problems.length > 0) toolkit.logger.warn({ problems }, 'Not everything on the host could be looked at')
      if (leftovers.length === 0) return
      const counts = Object.fromEntries(Map.groupBy(leftovers, ({ item }) => item.kind))
      const detail = Object.fromEntries(Object.entries(counts).map(([kind, found]) => [kind, found.length]))
      toolkit.logger.warn({ counts: detail }, 'There are leftovers on the host: see the list, and clean them up')
      const items = leftovers.slice(0, NAMED_AT_START).map(({ item }) => item.id)
      this.record(null, { action: 'drift.found', outcome: 'noticed', detail: { counts: detail, items } })
    } catch (error) {
      if (!signal.aborted) toolkit.logger.error({ err: error }, 'The host could not be surveyed')
    }
  }

  private async accept(caller: Requester, input: DriftRunInput, signal: AbortSignal): Promise<readonly Leftover[]> {
    const { toolkit, tickets } = this.deps
    const ticket = tickets.check(input.ticket, 'clean_up', caller)
    this.assertName(ticket, input.confirmName)
    const { leftovers: all } = await findDrift(toolkit, signal)
    const leftovers = all.filter(({ item }) => Object.hasOwn(ticket.facts, item.id))
    tickets.checkFacts(ticket, factsOf(leftovers.map(({ item }) => item)))
    const { commandId, reason = null } = input
    const detail = { commandId, items: Object.keys(ticket.facts), planHash: ticket.planHash, reason }
    toolkit.store.db.transaction(() => {
      tickets.consumeForHost(tickets.check(input.ticket, 'clean_up', caller), { commandId, inputHash: hashOf(input) })
      this.record(caller, { action: 'drift.clean_up', outcome: 'requested', detail })
    })
    return leftovers
  }

  private assertName({ needsName }: StoredTicket, typed: string | undefined): void {
    const { hostName } = this.deps
    if (!needsName || typed === hostName) return
    const message = `confirmName: must be the host's name, ${hostName}, because someone's data may be lost.`
    throw new PilothouseError('invalid_request', message, { details: { field: 'confirmName' } })
  }

  private async remove({ item, remove, settle }: Leftover, { caller, result, signal }: Removing): Promise<void> {
    const { logger } = this.deps.toolkit
    const { id } = item
    let settled: Leftover['settle']
    let said: Said = { action: 'drift.clean_up', outcome: 'removed', detail: { item: id } }
    try {
      if (signal.aborted) throw new Error('The call ended before its turn came.')
      await remove()
      settled = settle
      result.removed.push(id)
    } catch (error) {
      const problem = error instanceof Error ? error.message : String(error)
      logger.warn({ err: error, item: id }, 'A leftover could not be removed')
      result.failed.push({ id, problem })
      said = { action: 'drift.clean_up', outcome: 'failed', detail: { item: id, problem } }
    }
    try {
      this.record(caller, said, settled)
    } catch (error) {
      logger.error({ err: error, ...said }, 'What became of a leftover could not be recorded')
    }
  }

  private recordRefusal(caller: Requester, { code, message }: PilothouseError): void {
    this.record(caller, { action: 'drift.clean_up', outcome: 'refused', detail: { code, message } })
  }

  /** `settle` is what else the record says from then on. */
  private record(caller: Requester | null, about: Said, settle?: Leftover['settle']): void {
    const { store, clock } = this.deps.toolkit
    const { actor, requestId } = caller ?? { actor: null, requestId: null }
    const at = clock.now()
    store.db.transaction(() => {
      settle?.(at)
      store.activity.append({ ...about, at, actor, requestId, operationId: null, environmentId: null })
    })
  }
}

interface Said {
  readonly action: string
  readonly outcome: string
  readonly detail: Readonly<Record<string, unknown>>
}

interface Removing {
  readonly caller: Requester
  /** Grows. */
  readonly result: DriftResult
  readonly signal: AbortSignal
}
