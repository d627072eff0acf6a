import { ORPCError } from '@orpc/client'
import { ValidationError } from '@orpc/contract'
import { ERROR_CATALOGUE, errorDataSchema, isErrorCode, PilothouseError, type ErrorCode } from '../error.ts'

/** Most fields that one refusal names. */
const ISSUES_MOST = 10

/** A key that a sender made up is shown only where it could be a field of ours: anything may stand in it. */
const SHOWABLE = /^[\w./-]{1,64}$/

type Issue = ValidationError['issues'][number] & { readonly issues?: readonly { readonly message: string }[] }

function fieldIn({ path = [] }: Issue): string {
  const parts = path.map((part) => String(typeof part === 'object' ? part.key : part))
  return parts.map((part) => (SHOWABLE.test(part) ? part : '(a key)')).join('.')
}

/** A key that is refused says why in an issue of its own. */
function saysOf({ message, issues: [why] = [] }: Issue): string {
  return why?.message ?? message
}

function refusedInput(refusal: ValidationError): PilothouseError {
  const named: readonly Issue[] = refusal.issues.slice(0, ISSUES_MOST)
  const issues = named.map((issue) => ({ path: fieldIn(issue), message: saysOf(issue) }))
  const says = issues.map(({ path, message }) => `${path === '' ? 'input' : path}: ${message}`).join('; ')
  return new PilothouseError('invalid_request', `The input is not valid. ${says}`, {
    details: { issues },
    cause: refusal,
  })
}

function fromOrpcError(error: ORPCError<string, unknown>): PilothouseError | undefined {
  const data = errorDataSchema.safeParse(error.data)
  if (isErrorCode(error.code) && data.success) {
    return PilothouseError.fromFailure({ ...data.data, code: error.code, message: error.message }, error.cause)
  }
  if (error.status !== 400) return undefined
  if (error.cause instanceof ValidationError) return refusedInput(error.cause)
  return new PilothouseError('invalid_request', 'The input is not in the form that calls are written in.', {
    cause: error,
  })
}

function known(thrown: unknown): PilothouseError | undefined {
  if (thrown instanceof PilothouseError) return thrown
  if (thrown instanceof ORPCError) return fromOrpcError(thrown as ORPCError<string, unknown>)
  if (thrown instanceof Error && thrown.name === 'AbortError') {
    return new PilothouseError('cancelled', 'The call was cancelled.', { cause: thrown })
  }
  return undefined
}

/**
 * What any throw becomes before it leaves the process that serves a call: one of the closed set, bound to its request,
 * never a stack. What nobody declared becomes `internal` with the sentence `internalSays`.
 */
export function closedError(thrown: unknown, requestId: string, internalSays: string): PilothouseError {
  const cause: unknown = thrown instanceof ORPCError ? (thrown.cause ?? thrown) : thrown
  const error = known(thrown) ?? new PilothouseError('internal', internalSays, { cause })
  return error.requestId === '' ? error.withRequestId(requestId) : error
}

/** The error in the form in which oRPC carries it. */
export function wireError(error: PilothouseError): ORPCError<ErrorCode, unknown> {
  const { code, message, ...data } = error.toFailure()
  return new ORPCError(code, { status: ERROR_CATALOGUE[code].status, message, data, cause: error.cause })
}
