import type { Plan, Ticket } from '../../../../src-shared/model/plan.ts'
import { localTime, printable } from './text.ts'

/** The daemon's plan as it wrote it, and the ticket to run it. */
export function planText({ plan, ticket }: { readonly plan: Plan; readonly ticket: Ticket }): string {
  const command = ['pilothouse env destroy', plan.environmentName, '--ticket', ticket.id]
  if (plan.needsName) command.push('--confirm-name', plan.environmentName)
  return [
    printable(plan.text),
    '',
    `ticket ${ticket.id}, until ${localTime(ticket.expiresAt)}`,
    `run with: ${command.join(' ')}`,
  ].join('\n')
}
