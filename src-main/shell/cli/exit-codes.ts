import type { ErrorCode } from '../../../src-shared/error.ts'

/** How the program ends. Numbers are for scripts and never change their meaning. */
export const EXITS = {
  ok: { status: 0, means: 'Done.' },
  internal: { status: 1, means: 'A defect of ours; report it with the request id.' },
  usage: { status: 2, means: 'The command or a value in it is wrong; nothing was done.' },
  notFound: { status: 3, means: 'What was named does not exist.' },
  forbidden: { status: 4, means: 'The role, the user or the owner may not do this.' },
  unreachable: { status: 5, means: 'The host or its daemon could not be reached, or the connection was cut.' },
  untrusted: { status: 6, means: 'The host key or the login was refused; nothing was sent.' },
  conflict: { status: 7, means: 'The present state does not allow it; look, and decide anew.' },
  limit: { status: 8, means: 'A limit of the owner or the host is reached.' },
  ticket: { status: 9, means: 'The ticket or its plan does not hold; nothing was touched.' },
  gone: { status: 10, means: 'The guest or its home is positively gone.' },
  deadline: { status: 11, means: 'No answer within the deadline; it may still be going on.' },
  engine: { status: 12, means: 'An engine on the host failed.' },
  protocol: { status: 13, means: 'Console and daemon do not speak the same version.' },
  cancelled: { status: 14, means: 'The operation was cancelled.' },
  broken: { status: 15, means: 'The activity record is not what it was when a trusted head of it was seen.' },
  repository: {
    status: 16,
    means: 'The repository of recovery points is missing, locked, unreachable, damaged, or of another password.',
  },
  unproven: { status: 17, means: 'A recovery point was drilled and is not proved restorable.' },
  unprotected: {
    status: 18,
    means: 'Only with `backup status --exit-code`: what was listed is stale, missing or unavailable somewhere.',
  },
  interrupted: { status: 130, means: 'Interrupted here (Ctrl-C); what was asked of the host goes on.' },
} as const satisfies Record<string, { status: number; means: string }>

export type Exit = keyof typeof EXITS

/** Every error code's exit; the compiler refuses a code without one. */
export const EXIT_OF_CODE: Record<ErrorCode, Exit> = {
  invalid_request: 'usage',
  input_too_large: 'usage',
  not_found: 'notFound',
  forbidden: 'forbidden',
  name_taken: 'conflict',
  owner_not_allowed: 'forbidden',
  owner_inactive: 'forbidden',
  owner_limit_reached: 'limit',
  host_limit_reached: 'limit',
  operation_in_flight: 'conflict',
  generation_mismatch: 'conflict',
  command_id_reused: 'conflict',
  environment_quarantined: 'conflict',
  wrong_state: 'conflict',
  deletion_protected: 'conflict',
  ticket_required: 'ticket',
  ticket_invalid: 'ticket',
  ticket_expired: 'ticket',
  ticket_used: 'ticket',
  ticket_foreign: 'ticket',
  plan_outdated: 'ticket',
  guest_gone: 'gone',
  home_gone: 'gone',
  no_recovery_point: 'notFound',
  point_foreign: 'conflict',
  nothing_to_undo: 'conflict',
  target_exists: 'conflict',
  repository_missing: 'repository',
  repository_locked: 'repository',
  repository_unreachable: 'repository',
  repository_damaged: 'repository',
  wrong_password: 'repository',
  drill_failed: 'unproven',
  typing_held: 'conflict',
  cancelled: 'cancelled',
  host_unreachable: 'unreachable',
  host_key_changed: 'untrusted',
  host_key_unknown: 'untrusted',
  auth_failed: 'untrusted',
  daemon_absent: 'unreachable',
  storage_failed: 'engine',
  engine_failed: 'engine',
  deadline_exceeded: 'deadline',
  record_broken: 'broken',
  protocol_mismatch: 'protocol',
  internal: 'internal',
}

/** Ends the program with an exit of its own after it has answered: the answer stands, and nothing has failed. */
export class AnsweredWith extends Error {
  readonly exit: Exit

  constructor(exit: Exit) {
    super(EXITS[exit].means)
    this.name = 'AnsweredWith'
    this.exit = exit
  }
}

export function exitStatusOf(code: ErrorCode): number {
  return EXITS[EXIT_OF_CODE[code]].status
}
