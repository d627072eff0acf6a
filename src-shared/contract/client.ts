import { createORPCClient, ORPCError, type ClientContext, type ClientLink } from '@orpc/client'
import {
  isContractProcedure,
  ValidationError,
  type AnyContractProcedure,
  type AnyContractRouter,
  type ContractRouterClient,
} from '@orpc/contract'
import { ResponseValidationPlugin } from '@orpc/contract/plugins'
import { errorDataSchema, isErrorCode, PilothouseError } from '../error.ts'
import type { ClaimedActor, HostId, RequestId } from '../model/ids.ts'
import type { CallMeta } from './call.ts'

/** What goes with every call beside its input. */
export interface CallContext extends ClientContext {
  /** Minted at the click; carried through every hop. */
  readonly requestId: RequestId
  /** What this client says of itself, such as `op@desk-1`. */
  readonly claimedActor?: ClaimedActor
  /** On the bridge: the host that a daemon call is for. */
  readonly hostId?: HostId
  /** Instead of the call's own deadline, in milliseconds. */
  readonly deadlineMs?: number
}

export const REQUEST_ID_HEADER = 'x-request-id'
export const CLAIMED_ACTOR_HEADER = 'x-claimed-actor'
export const HOST_ID_HEADER = 'x-pilothouse-host'

export function headersOf(context: CallContext): Record<string, string> {
  return {
    [REQUEST_ID_HEADER]: context.requestId,
    ...(context.claimedActor === undefined ? {} : { [CLAIMED_ACTOR_HEADER]: encodeURIComponent(context.claimedActor) }),
    ...(context.hostId === undefined ? {} : { [HOST_ID_HEADER]: context.hostId }),
  }
}

function metaOf(procedure: { '~orpc': { meta: unknown } }): CallMeta {
  return procedure['~orpc'].meta as CallMeta
}

/** The declaration of the call at `path`; undefined for a path that the contract does not have. */
export function procedureAt(contract: AnyContractRouter, path: readonly string[]): AnyContractProcedure | undefined {
  let node: unknown = contract
  for (const key of path) {
    if (typeof node !== 'object' || node === null || !Object.hasOwn(node, key)) return undefined
    node = (node as Record<string, unknown>)[key]
  }
  return isContractProcedure(node) ? node : undefined
}

/** What is declared of the call at `path` beside its schemas. */
export function metaAt(contract: AnyContractRouter, path: readonly string[]): CallMeta | undefined {
  const procedure = procedureAt(contract, path)
  return procedure === undefined ? undefined : metaOf(procedure)
}

/** Every call of a contract with its dotted name, in the order of declaration. */
export function callsOf(
  contract: AnyContractRouter,
  prefix: readonly string[] = [],
): { path: string[]; meta: CallMeta }[] {
  if (isContractProcedure(contract)) return [{ path: [...prefix], meta: metaOf(contract) }]
  return Object.entries(contract).flatMap(([key, node]) => callsOf(node, [...prefix, key]))
}

const CODE_OF_STATUS: Record<number, 'invalid_request' | 'not_found' | 'input_too_large'> = {
  400: 'invalid_request',
  404: 'not_found',
  413: 'input_too_large',
}

/** Turns whatever a link threw into the closed set. `signal` is the caller's own; its abort means `cancelled`. */
export function toPilothouseError(error: unknown, requestId: string, signal?: AbortSignal): PilothouseError {
  if (error instanceof PilothouseError) return error
  if (error instanceof ORPCError) return fromOrpcError(error as ORPCError<string, unknown>, requestId)
  if (signal?.aborted === true) return new PilothouseError('cancelled', 'The call was cancelled.', { requestId })
  if (error instanceof ValidationError) {
    const says = 'The answer is not in the form that this version knows.'
    return new PilothouseError('protocol_mismatch', says, { requestId, cause: error })
  }
  if (error instanceof Error && error.name === 'TimeoutError') {
    return new PilothouseError('deadline_exceeded', 'No answer came within the deadline.', { requestId, cause: error })
  }
  // A cut link ends calls with an AbortError or refuses to send; neither is the caller's own abort.
  return new PilothouseError('host_unreachable', 'The connection ended before the answer came.', {
    requestId,
    cause: error,
  })
}

function fromOrpcError(error: ORPCError<string, unknown>, requestId: string): PilothouseError {
  const data = errorDataSchema.safeParse(error.data)
  if (isErrorCode(error.code) && data.success) {
    return PilothouseError.fromFailure({ ...data.data, code: error.code, message: error.message }, error)
  }
  const code = CODE_OF_STATUS[error.status] ?? 'internal'
  return new PilothouseError(code, error.message, { requestId, cause: error })
}

interface InterceptorOptions {
  readonly context: CallContext
  readonly path: readonly string[]
  readonly signal?: AbortSignal | undefined
  next(options?: object): Promise<unknown>
}

/**
 * Options for any transport's `RPCLink`: headers from the context, the contract's deadline, errors of the
 * closed set only, output parsed at the caller.
 */
export function linkOptionsFor(contract: AnyContractRouter) {
  const guard = async (options: InterceptorOptions): Promise<unknown> => {
    const { context, path, signal } = options
    const deadlineMs = context.deadlineMs ?? metaAt(contract, path)?.deadlineMs ?? null
    try {
      if (deadlineMs === null) return await options.next()
      const timeout = AbortSignal.timeout(deadlineMs)
      const bounded = signal === undefined ? timeout : AbortSignal.any([signal, timeout])
      return await options.next({ ...options, signal: bounded })
    } catch (error) {
      throw toPilothouseError(error, context.requestId, signal)
    }
  }
  return {
    headers: (options: { context: CallContext }) => headersOf(options.context),
    interceptors: [guard as never],
    plugins: [new ResponseValidationPlugin<CallContext>(contract)],
  }
}

/** The typed client of a contract over any link made with `linkOptionsFor`. */
export function createContractClient<C extends AnyContractRouter>(
  _contract: C,
  link: ClientLink<CallContext>,
): ContractRouterClient<C, CallContext> {
  return createORPCClient(link)
}
