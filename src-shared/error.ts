import { z } from 'zod'
import { boundFacts, shownWords, wordsSchema } from './lib/foreign-words.ts'

/**
 * The closed set of errors. Callers branch on the code, never on the message.
 * `status` is the HTTP status of the REST view; `retryable` is the default and says whether the same
 * request may succeed later without anyone changing anything; `hint` is the default next step.
 */
export const ERROR_CATALOGUE = {
  invalid_request: { status: 400, retryable: false, hint: 'Correct the named field and send the request again.' },
  input_too_large: { status: 413, retryable: false, hint: 'Send at most 1 MiB in one request.' },
  not_found: { status: 404, retryable: false, hint: 'List what exists and check the id or name.' },
  forbidden: { status: 403, retryable: false, hint: 'Ask someone with the role named in the message.' },
  name_taken: { status: 409, retryable: false, hint: 'Choose another name; names are unique per host.' },
  owner_not_allowed: { status: 403, retryable: false, hint: 'Ask an admin of the host to add the owner.' },
  owner_inactive: { status: 403, retryable: false, hint: 'Ask an admin of the host to activate the owner.' },
  owner_limit_reached: {
    status: 409,
    retryable: false,
    hint: 'Destroy an environment of this owner, or ask an admin to raise its limit.',
  },
  host_limit_reached: {
    status: 409,
    retryable: false,
    hint: 'Ask for less, free capacity on the host, or use another host.',
  },
  operation_in_flight: {
    status: 409,
    retryable: true,
    hint: 'Wait for the named operation to end, or cancel it, then try again.',
  },
  generation_mismatch: {
    status: 409,
    retryable: false,
    hint: 'The environment has changed since you looked; read it again and decide anew.',
  },
  command_id_reused: {
    status: 409,
    retryable: false,
    hint: 'Use a new commandId for a new command; reuse one only to retry the very same command.',
  },
  environment_quarantined: {
    status: 409,
    retryable: false,
    hint: 'Its record is malformed; nothing but destroying it is safe. Keep its home for review first if it matters.',
  },
  wrong_state: { status: 409, retryable: false, hint: 'Bring the environment into the named state first.' },
  deletion_protected: { status: 409, retryable: false, hint: 'Remove the deletion protection first.' },
  ticket_required: { status: 409, retryable: false, hint: 'Ask for a plan first, and run with its ticket.' },
  ticket_invalid: { status: 409, retryable: false, hint: 'Ask for a new plan, and run with its ticket.' },
  ticket_expired: { status: 409, retryable: false, hint: 'Ask for a new plan; a ticket lives five minutes.' },
  ticket_used: {
    status: 409,
    retryable: false,
    hint: 'The ticket has already started its operation; look at that one.',
  },
  ticket_foreign: {
    status: 403,
    retryable: false,
    hint: 'A ticket is for the user and role that made the plan; make your own.',
  },
  plan_outdated: { status: 409, retryable: false, hint: 'Read the new plan; nothing was touched.' },
  guest_gone: { status: 409, retryable: false, hint: 'Start or recover the environment; its home is kept.' },
  home_gone: { status: 409, retryable: false, hint: 'Restore a recovery point, or reset to start empty.' },
  no_recovery_point: {
    status: 409,
    retryable: false,
    hint: 'List the recovery points of the environment; make one with a backup where there is none.',
  },
  point_foreign: {
    status: 409,
    retryable: false,
    hint: 'Choose a point of this environment; only a clone may use a point of another.',
  },
  nothing_to_undo: {
    status: 409,
    retryable: false,
    hint: 'No home is kept for undo; restore a recovery point instead.',
  },
  target_exists: { status: 409, retryable: false, hint: 'Choose a folder that does not exist yet.' },
  repository_missing: {
    status: 502,
    retryable: false,
    hint: 'Check the location and that its disk is mounted; create the repository only if there never was one.',
  },
  repository_locked: {
    status: 409,
    retryable: true,
    hint: 'Wait until the other restic is done. A lock whose owner is gone is cleared by rule.',
  },
  repository_unreachable: {
    status: 502,
    retryable: true,
    hint: 'Check the address, the network and that its server runs; backups go on by themselves once it answers.',
  },
  repository_damaged: {
    status: 502,
    retryable: false,
    hint: 'Keep a copy of the repository as it is, check it with all data read, and repair it before relying on it.',
  },
  wrong_password: {
    status: 502,
    retryable: false,
    hint: "Check the password file or command, and that the location is this password's repository.",
  },
  drill_failed: {
    status: 409,
    retryable: false,
    hint: 'Do not rely on this point: drill another one, check the repository, and make a new backup.',
  },
  typing_held: {
    status: 409,
    retryable: true,
    hint: 'Someone else is typing; take the keyboard over to type yourself.',
  },
  cancelled: { status: 409, retryable: false, hint: 'Start it again if it is still wanted.' },
  host_unreachable: {
    status: 503,
    retryable: true,
    hint: 'Check the network and the address; the console keeps trying by itself.',
  },
  host_key_changed: {
    status: 409,
    retryable: false,
    hint: "Do not continue. Find out from the host's admin whether its key was really replaced.",
  },
  host_key_unknown: {
    status: 409,
    retryable: false,
    hint: "Compare the fingerprint with the host's admin, then accept it.",
  },
  auth_failed: { status: 401, retryable: false, hint: 'Check the user and the key; the host refused them.' },
  daemon_absent: { status: 503, retryable: true, hint: 'Install or start pilothoused on the host.' },
  storage_failed: {
    status: 507,
    retryable: true,
    hint: "Free space on the host, or make the daemon's state folder writable; nothing was changed.",
  },
  engine_failed: { status: 502, retryable: true, hint: "Look at the daemon's log for the request id." },
  deadline_exceeded: { status: 504, retryable: true, hint: 'It may still be going on; look before you repeat it.' },
  record_broken: {
    status: 409,
    retryable: false,
    hint: "Keep the host's database and the trusted heads as they are, and find out who had access to it since then.",
  },
  protocol_mismatch: { status: 409, retryable: false, hint: 'Update the daemon, or the console, to the same version.' },
  internal: { status: 500, retryable: false, hint: "Report it with the request id; the daemon's log has the details." },
} as const satisfies Record<string, { status: number; retryable: boolean; hint: string }>

/** One code of the closed set. */
export type ErrorCode = keyof typeof ERROR_CATALOGUE

export const ERROR_CODES = Object.keys(ERROR_CATALOGUE) as ErrorCode[]

export function isErrorCode(value: unknown): value is ErrorCode {
  return typeof value === 'string' && Object.hasOwn(ERROR_CATALOGUE, value)
}

/**
 * A failure is kept with its operation, told to everybody who looks, and never forgotten by the activity record: no
 * message is longer than this, in characters, and no failure's facts are together, whoever's words are in them.
 */
export const FAILURE_MESSAGE_MOST = 2_000
export const FAILURE_FACTS_MOST = 16_384

const wordsOfFailure = wordsSchema(FAILURE_MESSAGE_MOST)

/** What travels beside code and message. `details` carries facts for the screen, never secrets or stacks. */
export const errorDataSchema = z.object({
  hint: wordsOfFailure,
  retryable: z.boolean(),
  requestId: z.string(),
  details: z
    .record(z.string(), z.unknown())
    .overwrite((details) => boundFacts(details, FAILURE_FACTS_MOST))
    .optional(),
})
export type ErrorData = z.infer<typeof errorDataSchema>

/** A serialisable failure, as stored with an operation and shown on screen. Words are cut and made visible, not refused. */
export const failureSchema = errorDataSchema.extend({
  code: z.enum(ERROR_CODES as [ErrorCode, ...ErrorCode[]]),
  message: wordsOfFailure,
})
export type Failure = z.infer<typeof failureSchema>

/** Pure: the same failure within the bounds of one, and on one line. */
export function boundFailure<Bounded extends Failure>(failure: Bounded): Bounded {
  const { message, hint, details } = failure
  return {
    ...failure,
    message: shownWords(message, FAILURE_MESSAGE_MOST),
    hint: shownWords(hint, FAILURE_MESSAGE_MOST),
    ...(details === undefined ? {} : { details: boundFacts(details, FAILURE_FACTS_MOST) }),
  }
}

export interface PilothouseErrorOptions {
  readonly hint?: string
  readonly retryable?: boolean
  readonly requestId?: string
  readonly details?: Record<string, unknown>
  readonly cause?: unknown
}

/**
 * The one exception that may cross a process. The message says what happened in a sentence that is true of
 * the values given; the hint says what to do next. Anything else that is thrown becomes `internal` at the wall. Message,
 * hint and details are cut and made visible here, so that nobody who quotes a guest or an engine can forget to.
 */
export class PilothouseError extends Error {
  readonly code: ErrorCode
  readonly hint: string
  readonly retryable: boolean
  /** Empty until the wall that knows the request fills it in. */
  readonly requestId: string
  readonly details: Record<string, unknown> | undefined

  constructor(code: ErrorCode, message: string, options: PilothouseErrorOptions = {}) {
    super(shownWords(message, FAILURE_MESSAGE_MOST), { cause: options.cause })
    this.name = 'PilothouseError'
    this.code = code
    this.hint = shownWords(options.hint ?? ERROR_CATALOGUE[code].hint, FAILURE_MESSAGE_MOST)
    this.retryable = options.retryable ?? ERROR_CATALOGUE[code].retryable
    this.requestId = options.requestId ?? ''
    this.details = options.details === undefined ? undefined : boundFacts(options.details, FAILURE_FACTS_MOST)
  }

  /** The same error, bound to the request that met it. */
  withRequestId(requestId: string): PilothouseError {
    return PilothouseError.fromFailure({ ...this.toFailure(), requestId }, this.cause)
  }

  toFailure(): Failure {
    return {
      code: this.code,
      message: this.message,
      hint: this.hint,
      retryable: this.retryable,
      requestId: this.requestId,
      ...(this.details === undefined ? {} : { details: this.details }),
    }
  }

  static fromFailure(failure: Failure, cause?: unknown): PilothouseError {
    const { hint, retryable, requestId, details } = failure
    return new PilothouseError(failure.code, failure.message, {
      hint,
      retryable,
      requestId,
      ...(details === undefined ? {} : { details }),
      cause,
    })
  }
}
