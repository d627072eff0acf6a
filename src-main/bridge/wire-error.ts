import { ORPCError } from '@orpc/client'
import { ValidationError } from '@orpc/contract'
import {
  ERROR_CATALOGUE,
  errorDataSchema,
  isErrorCode,
  PilothouseError,
  type ErrorCode,
} from '../../src-shared/error.ts'

const ISSUES_MOST = 10

function invalidInput(refusal: ValidationError): PilothouseError {
  const issues = refusal.issues.slice(0, ISSUES_MOST).map(({ path = [], message }) => {
    const field = path.map((part) => String(typeof part === 'object' ? part.key : part)).join('.')
    return { path: field, message }
  })
  const says = issues.map(({ path, message }) => `${path === '' ? 'input' : path}: ${message}`).join('; ')
  return new PilothouseError('invalid_request', `The input is not valid. ${says}`, {
    details: { issues },
    cause: refusal,
  })
}

function fromOrpc(error: ORPCError<string, unknown>): PilothouseError {
  const data = errorDataSchema.safeParse(error.data)
  if (isErrorCode(error.code) && data.success) {
    return PilothouseError.fromFailure({ ...data.data, code: error.code, message: error.message })
  }
  if (error.status === 400 && error.cause instanceof ValidationError) return invalidInput(error.cause)
  if (error.status === 400)
    return new PilothouseError('invalid_request', 'The request cannot be understood.', { cause: error })
  return new PilothouseError('internal', 'The console failed to answer.', { cause: error })
}

/** What any throw becomes before it leaves main: one of the closed set, bound to its request, never a stack. */
export function failureOf(thrown: unknown, requestId: string): PilothouseError {
  const error =
    thrown instanceof PilothouseError
      ? thrown
      : thrown instanceof ORPCError
        ? fromOrpc(thrown as ORPCError<string, unknown>)
        : new PilothouseError('internal', 'The console failed to answer.', { cause: thrown })
  return error.requestId === '' ? error.withRequestId(requestId) : error
}

/** The error in the form in which oRPC carries it. */
export function wireError(error: PilothouseError): ORPCError<ErrorCode, unknown> {
  const { code, message, ...data } = error.toFailure()
  return new ORPCError(code, { status: ERROR_CATALOGUE[code].status, message, data })
}
