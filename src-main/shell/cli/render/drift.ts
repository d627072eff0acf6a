import { bytesText } from '../../../../src-shared/lib/bytes-text.ts'
import type { DriftPlan, DriftReport, DriftResult } from '../../../../src-shared/model/drift.ts'
import type { Ticket } from '../../../../src-shared/model/plan.ts'
import { ticketLines } from './plan.ts'
import { printable, table } from './text.ts'

export function driftTable({ items, problems }: DriftReport): string {
  const rows = items.map(({ id, environmentId, bytes, holdsData, detail }) => [
    id,
    environmentId ?? '',
    bytes === null ? '' : bytesText(bytes),
    holdsData ? 'yes' : 'no',
    detail,
  ])
  const shown = items.length === 0 ? 'Nothing is left over.' : table(['ID', 'OF', 'SIZE', 'DATA', 'WHAT'], rows)
  return [shown, ...problems.map(printable)].join('\n')
}

export function driftPlanText({ plan, ticket }: { plan: DriftPlan; ticket: Ticket }): string {
  const command = ['pilothouse drift clean-up', '--ticket', ticket.id]
  if (plan.needsName) command.push('--confirm-name', plan.hostName)
  return [printable(plan.text), '', ...ticketLines(ticket, printable(command.join(' ')))].join('\n')
}

export function driftResultText({ removed, failed }: DriftResult): string {
  const lines = [...removed.map((id) => `removed ${id}`), ...failed.map(({ id, problem }) => `kept ${id}: ${problem}`)]
  return lines.map(printable).join('\n')
}
