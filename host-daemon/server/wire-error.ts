import { ORPCError } from '@orpc/client'
import { closedError, wireError } from '../../src-shared/contract/wire-error.ts'
import type { PilothouseError } from '../../src-shared/error.ts'
import { storageFailure } from '../store/storage-failure.ts'

/** What any throw becomes before it leaves the daemon: the closed set, never a stack. */
export function toPilothouseError(thrown: unknown, requestId: string): PilothouseError {
  return closedError(
    storageFailure(innermost(thrown)) ?? thrown,
    requestId,
    `The daemon failed; its log has the details under ${requestId}.`,
  )
}

/** The router wraps what its handlers throw. */
function innermost(thrown: unknown): unknown {
  return thrown instanceof ORPCError ? (thrown.cause ?? thrown) : thrown
}

/** A PilothouseError as oRPC carries it. */
export const toWireError = wireError
