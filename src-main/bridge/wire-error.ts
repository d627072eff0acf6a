import { closedError } from '../../src-shared/contract/wire-error.ts'
import type { PilothouseError } from '../../src-shared/error.ts'

/** What any throw becomes before it leaves main: one of the closed set, bound to its request, never a stack. */
export function failureOf(thrown: unknown, requestId: string): PilothouseError {
  return closedError(thrown, requestId, 'The console failed to answer.')
}
