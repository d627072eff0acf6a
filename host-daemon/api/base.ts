import { implement } from '@orpc/server'
import { daemonContract } from '../../src-shared/contract/daemon.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Caller } from '../server/caller.ts'
import { withDeadline } from '../system/deadline.ts'
import type { Services } from './services.ts'

/**
 * The contract, and the deadline that it declares for each call. Who may call, and how errors leave, is the one guard's
 * that every transport puts before the router (`server/call-guard.ts`). Outputs are parsed at the caller.
 */
export function createBase({ clock }: Services) {
  const base = implement(daemonContract, { initialOutputValidationIndex: Number.NaN }).$context<Caller>()
  return base.use(({ next, path, procedure, signal }) => {
    const { deadlineMs } = procedure['~orpc'].meta
    const answer = (bounded: AbortSignal) => Promise.resolve(next({ context: { signal: bounded } }))
    // A subscription lives as long as its connection, and must hear of its end.
    if (deadlineMs === null) return answer(signal ?? new AbortController().signal)
    return withDeadline(answer, { clock, signal, deadlineMs, onDeadline: () => deadlineExceeded(path, deadlineMs) })
  })
}

export type Base = ReturnType<typeof createBase>

function deadlineExceeded(path: readonly string[], deadlineMs: number): PilothouseError {
  const seconds = Math.round(deadlineMs / 1000)
  return new PilothouseError('deadline_exceeded', `${path.join('.')} did not answer within ${seconds} s.`)
}
