import { PilothouseError } from '../../src-shared/error.ts'
import type { DriftPlan, DriftReport, DriftResult } from '../../src-shared/model/drift.ts'
import type { TicketId } from '../../src-shared/model/ids.ts'
import type { Ticket } from '../../src-shared/model/plan.ts'
import type { Tickets } from '../environments/tickets.ts'
import type { Toolkit } from '../environments/toolkit.ts'
import type { Requester } from '../operations/requester.ts'

export interface DriftDeps {
  readonly toolkit: Toolkit
  readonly tickets: Tickets
  readonly hostName: string
}

export interface DriftRunInput {
  readonly ticket?: TicketId | undefined
  readonly confirmName?: string | undefined
  readonly reason?: string | undefined
}

/** What is on the host that the record does not account for, and its clean-up, previewed first. */
export class DriftService {
  private readonly deps: DriftDeps

  constructor(deps: DriftDeps) {
    this.deps = deps
  }

  list(signal: AbortSignal): Promise<DriftReport> {
    signal.throwIfAborted()
    return Promise.resolve({ surveyedAt: this.deps.toolkit.clock.now(), items: [], problems: [] })
  }

  plan(
    _caller: Requester,
    _ids: readonly string[],
    _signal: AbortSignal,
  ): Promise<{ plan: DriftPlan; ticket: Ticket }> {
    return Promise.reject(new PilothouseError('not_found', 'There is nothing to clean up.'))
  }

  run(_caller: Requester, _input: DriftRunInput, _signal: AbortSignal): Promise<DriftResult> {
    return Promise.reject(new PilothouseError('ticket_required', 'To clean up, a ticket is needed.'))
  }
}
