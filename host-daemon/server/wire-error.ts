import { ORPCError } from '@orpc/client'
import { ValidationError } from '@orpc/contract'
import {
  ERROR_CATALOGUE,
  errorDataSchema,
  isErrorCode,
  PilothouseError,
  type ErrorCode,
} from '../../src-shared/error.ts'

/** Most fields that one refusal names. */
const MOST_ISSUES = 10

/** What any throw becomes before it leaves the daemon: the closed set, never a stack. */
export function toPilothouseError(thrown: unknown, requestId: string): PilothouseError {
  if (thrown instanceof PilothouseError) return thrown.requestId === '' ? thrown.withRequestId(requestId) : thrown
  if (thrown instanceof ORPCError) return fromOrpcError(thrown as ORPCError<string, unknown>, requestId)
  if (thrown instanceof Error && thrown.name === 'AbortError')
    return new PilothouseError('cancelled', 'The call was cancelled.', { requestId, cause: thrown })
  return internalError(thrown, requestId)
}

/** A PilothouseError as oRPC carries it. */
export function toWireError(error: PilothouseError): ORPCError<ErrorCode, unknown> {
  const { code, message, ...data } = error.toFailure()
  return new ORPCError(code, { status: ERROR_CATALOGUE[code].status, message, data, cause: error.cause })
}

function fromOrpcError(error: ORPCError<string, unknown>, requestId: string): PilothouseError {
  const data = errorDataSchema.safeParse(error.data)
  if (isErrorCode(error.code) && data.success)
    return PilothouseError.fromFailure({ ...data.data, code: error.code, message: error.message }, error.cause)
  if (error.cause instanceof ValidationError && error.status === 400) return refusedInput(error.cause, requestId)
  if (error.status === 400)
    return new PilothouseError('invalid_request', 'The input is not in the form that calls are written in.', {
      requestId,
      cause: error,
    })
  return internalError(error.cause ?? error, requestId)
}

function refusedInput(refusal: ValidationError, requestId: string): PilothouseError {
  const issues = refusal.issues.slice(0, MOST_ISSUES).map((issue) => ({
    path: (issue.path ?? []).map((part) => String(typeof part === 'object' ? part.key : part)).join('.'),
    message: issue.message,
  }))
  const says = issues.map(({ path, message }) => `${path === '' ? 'input' : path}: ${message}`).join('; ')
  return new PilothouseError('invalid_request', `The input is not valid. ${says}`, {
    requestId,
    details: { issues },
    cause: refusal,
  })
}

function internalError(cause: unknown, requestId: string): PilothouseError {
  return new PilothouseError('internal', `The daemon failed; its log has the details under ${requestId}.`, {
    requestId,
    cause,
  })
}
