import type { Plan, Ticket } from '../../../../src-shared/model/plan.ts'
import { localTime, printable } from './text.ts'

/** The daemon's plan as it wrote it, and the ticket to run it. */
export function planText({ plan, ticket }: { readonly plan: Plan; readonly ticket: Ticket }): string {
  const command = ['pilothouse env', plan.kind, plan.environmentName, '--ticket', ticket.id]
  if (plan.needsName) command.push('--confirm-name', plan.environmentName)
  return [printable(plan.text), '', ...ticketLines(ticket, command.join(' '))].join('\n')
}

export function ticketLines(ticket: Ticket, command: string): string[] {
  return [`ticket ${ticket.id}, until ${localTime(ticket.expiresAt)}, for one run`, `run with: ${command}`]
}
