import { ORPCError } from '@orpc/client'
import { isAsyncIteratorObject } from '@orpc/shared'
import type { Clock } from '../../src-shared/lib/clock.ts'
import { isErrorCode, PilothouseError } from '../../src-shared/error.ts'
import type { CallMeta } from '../../src-shared/contract/call.ts'
import { roleIncludes } from '../../src-shared/model/role.ts'
import type { Logger } from '../logging/logger.ts'
import type { Caller } from './caller.ts'
import { toPilothouseError, toWireError } from './wire-error.ts'

/** What every call's handler gets, plus the line of log that belongs to the call. */
export interface ServedCaller extends Caller {
  readonly logger: Logger
}

interface GuardedCall {
  readonly context: ServedCaller
  readonly path: readonly string[]
  readonly procedure: { readonly '~orpc': { readonly meta: unknown } }
  next(): Promise<unknown>
}

/**
 * Stands before every handler: refuses a call above the connection's role before its input is even looked at,
 * turns whatever is thrown into the closed set of errors, and writes one log line a call.
 */
export function createCallGuard(clock: Clock): (call: GuardedCall) => Promise<unknown> {
  return async (call) => {
    const startedAt = clock.monotonicMs()
    const report = (error?: PilothouseError): void => logCall(call, Math.round(clock.monotonicMs() - startedAt), error)
    try {
      refuseAboveRole(call)
      const output = await call.next()
      report()
      return isAsyncIteratorObject(output) ? guardEvents(output, call) : output
    } catch (thrown) {
      const error = toPilothouseError(thrown, call.context.requestId)
      report(error)
      throw toWireError(error)
    }
  }
}

interface ArrivingCall<Result> {
  readonly context: ServedCaller
  readonly request: { readonly url: URL }
  next(): Promise<Result>
}

/** The same for what goes wrong before a handler is found: a call that does not exist, input that is no input. */
export async function guardArrival<Result extends { readonly matched: boolean }>(
  call: ArrivingCall<Result>,
): Promise<Result> {
  const { requestId, logger } = call.context
  try {
    const result = await call.next()
    if (!result.matched) throw unknownCall(call.request.url)
    return result
  } catch (thrown) {
    // The guard of the handler has spoken and logged already.
    if (thrown instanceof ORPCError && isErrorCode(thrown.code)) throw thrown
    const error =
      thrown instanceof PilothouseError ? thrown.withRequestId(requestId) : unreadableInput(thrown, requestId)
    logger.info({ call: nameIn(call.request.url), ms: 0, code: error.code, reason: reasonOf(thrown) }, 'call')
    throw toWireError(error)
  }
}

function unreadableInput(cause: unknown, requestId: string): PilothouseError {
  const says = 'The input is not in the form that calls are written in.'
  return new PilothouseError('invalid_request', says, { requestId, cause })
}

function reasonOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown)
}

function unknownCall(url: URL): PilothouseError {
  return new PilothouseError('not_found', `There is no call ${nameIn(url)}.`, {
    hint: 'Look the call up in the reference; a newer client may know calls that this daemon does not have.',
  })
}

function nameIn(url: URL): string {
  return url.pathname.replace(/^\/(?:api\/)?/, '').replaceAll('/', '.')
}

function refuseAboveRole({ context, path, procedure }: GuardedCall): void {
  const { role: needed } = procedure['~orpc'].meta as CallMeta
  const held = context.actor.role
  if (roleIncludes(held, needed)) return
  throw new PilothouseError('forbidden', `${path.join('.')} needs the role ${needed}; this connection has ${held}.`, {
    hint: `Connect to ${needed}.sock, or ask someone who has the role ${needed}.`,
    details: { needed, held },
  })
}

async function* guardEvents(events: AsyncIterable<unknown>, call: GuardedCall): AsyncGenerator {
  try {
    yield* events
  } catch (thrown) {
    const error = toPilothouseError(thrown, call.context.requestId)
    if (error.code !== 'cancelled') logCall(call, 0, error)
    throw toWireError(error)
  }
}

function logCall(call: GuardedCall, ms: number, error: PilothouseError | undefined): void {
  const { logger } = call.context
  const facts = { call: call.path.join('.'), ms, code: error?.code ?? 'ok' }
  if (error?.code !== 'internal') logger.info(facts, 'call')
  else logger.error({ ...facts, err: error.cause ?? error }, 'call')
}
