import { closedError, wireError } from '../../src-shared/contract/wire-error.ts'
import type { PilothouseError } from '../../src-shared/error.ts'

/** What any throw becomes before it leaves the daemon: the closed set, never a stack. */
export function toPilothouseError(thrown: unknown, requestId: string): PilothouseError {
  return closedError(thrown, requestId, `The daemon failed; its log has the details under ${requestId}.`)
}

/** A PilothouseError as oRPC carries it. */
export const toWireError = wireError
