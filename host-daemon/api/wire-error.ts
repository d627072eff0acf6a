import { ORPCError } from '@orpc/server'
import {
  ERROR_CATALOGUE,
  errorDataSchema,
  isErrorCode,
  PilothouseError,
  type ErrorData,
} from '../../src-shared/error.ts'
import type { Logger } from '../system/logger.ts'

export interface WireErrorOptions {
  readonly requestId: string
  readonly logger: Logger
  /** The caller's own signal: its abort is `cancelled` and not the daemon's failure. */
  readonly signal?: AbortSignal | undefined
}

/** Most issues of one input that are named. */
const MOST_ISSUES = 5

/**
 * The one way out for errors: a code of the closed set, a sentence, and what to do next. Anything unknown becomes
 * `internal` with the request id as its place in the log; a stack never leaves.
 */
export function toWireError(error: unknown, options: WireErrorOptions): ORPCError<string, ErrorData> {
  const { code, message, hint, retryable, details } = toPilothouse(error, options)
  const data = { hint, retryable, requestId: options.requestId, ...(details === undefined ? {} : { details }) }
  return new ORPCError(code, { defined: true, status: ERROR_CATALOGUE[code].status, message, data })
}

function toPilothouse(error: unknown, options: WireErrorOptions): PilothouseError {
  if (error instanceof PilothouseError) return error
  if (error instanceof ORPCError) return fromOrpc(error as ORPCError<string, unknown>, options)
  if (options.signal?.aborted === true) return new PilothouseError('cancelled', 'The call was cancelled.')
  return internal(error, options)
}

function internal(error: unknown, { logger, requestId }: WireErrorOptions): PilothouseError {
  logger.error({ err: error, requestId }, 'A call failed unexpectedly')
  return new PilothouseError('internal', `The daemon failed; its log has the details under ${requestId}.`)
}

function fromOrpc(error: ORPCError<string, unknown>, options: WireErrorOptions): PilothouseError {
  const issues = issuesOf(error.data)
  if (error.code === 'BAD_REQUEST' && issues.length > 0) return invalidInput(issues)
  const data = errorDataSchema.safeParse(error.data)
  if (isErrorCode(error.code) && data.success) {
    return PilothouseError.fromFailure({ ...data.data, code: error.code, message: error.message }, error)
  }
  if (error.status === 404) return new PilothouseError('not_found', 'There is no such call.')
  if (error.status === 413) return new PilothouseError('input_too_large', 'The input is too large.')
  if (error.status < 500) return new PilothouseError('invalid_request', 'The request could not be read.')
  return internal(error, options)
}

interface Issue {
  readonly path: string
  readonly message: string
}

function issuesOf(data: unknown): Issue[] {
  const issues = typeof data === 'object' && data !== null && 'issues' in data ? data.issues : undefined
  if (!Array.isArray(issues)) return []
  return issues.map((issue: { path?: unknown; message?: unknown }) => ({
    path: pathOf(issue.path),
    message: typeof issue.message === 'string' ? issue.message : 'is not valid',
  }))
}

function pathOf(path: unknown): string {
  const parts: unknown[] = Array.isArray(path) ? path : []
  return parts.length === 0 ? 'input' : parts.map(keyOf).join('.')
}

function keyOf(part: unknown): string {
  return typeof part === 'object' && part !== null && 'key' in part ? String(part.key) : String(part)
}

/** Names each field and what is wrong with it; the values themselves are never echoed. */
function invalidInput(issues: readonly Issue[]): PilothouseError {
  const named = issues.slice(0, MOST_ISSUES)
  const more = issues.length > named.length ? ` (and ${issues.length - named.length} more)` : ''
  const message = `${named.map(({ path, message: why }) => `${path}: ${why}`).join('; ')}${more}`
  return new PilothouseError('invalid_request', message, { details: { issues: named } })
}
