import type { OperationKind } from '../../../../src-shared/model/operation.ts'
import type { Plan, Ticket } from '../../../../src-shared/model/plan.ts'
import { localTime, printable } from './text.ts'

/** The command that runs a plan, where it is not the one of the environment that the operation is named after. */
const RUN_WORDS: Partial<Record<OperationKind, string>> = {
  restore: 'restore run',
  undo_restore: 'restore undo',
  drop_undo: 'restore drop',
}

/** The daemon's plan as it wrote it, and the ticket to run it. */
export function planText({ plan, ticket }: { readonly plan: Plan; readonly ticket: Ticket }): string {
  const command = [
    'pilothouse',
    RUN_WORDS[plan.kind] ?? `env ${plan.kind}`,
    plan.environmentName,
    '--ticket',
    ticket.id,
  ]
  if (plan.needsName) command.push('--confirm-name', plan.environmentName)
  return [printable(plan.text), '', ...ticketLines(ticket, command.join(' '))].join('\n')
}

export function ticketLines(ticket: Ticket, command: string): string[] {
  return [`ticket ${ticket.id}, until ${localTime(ticket.expiresAt)}, for one run`, `run with: ${command}`]
}
