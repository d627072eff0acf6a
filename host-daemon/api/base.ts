import { implement } from '@orpc/server'
import type { CallMeta } from '../../src-shared/contract/call.ts'
import { daemonContract } from '../../src-shared/contract/daemon.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import { roleIncludes } from '../../src-shared/model/role.ts'
import type { Caller } from '../server/caller.ts'
import { toPilothouseError, toWireError } from '../server/wire-error.ts'
import { withDeadline } from '../system/deadline.ts'
import type { Services } from './services.ts'

/**
 * The contract with what every call passes through before its handler: who may, how long, and how errors leave.
 * The role is checked before the input is looked at. Outputs are parsed at the caller.
 */
export function createBase({ clock }: Services) {
  const base = implement(daemonContract, { initialOutputValidationIndex: Number.NaN }).$context<Caller>()
  return base.use(async ({ context, next, path, procedure, signal }) => {
    const meta = procedure['~orpc'].meta
    const { requestId } = context
    const { deadlineMs } = meta
    const onDeadline = () => deadlineExceeded(path, deadlineMs)
    try {
      assertRole(context, { path, meta })
      const answer = (bounded: AbortSignal) => Promise.resolve(next({ context: { signal: bounded } }))
      // A subscription lives as long as its connection, and must hear of its end.
      if (deadlineMs === null) return await answer(signal ?? new AbortController().signal)
      return await withDeadline(answer, { clock, signal, deadlineMs, onDeadline })
    } catch (error) {
      throw toWireError(toPilothouseError(error, requestId))
    }
  })
}

export type Base = ReturnType<typeof createBase>

interface Asked {
  readonly path: readonly string[]
  readonly meta: CallMeta
}

function assertRole({ actor }: Caller, { path, meta }: Asked): void {
  if (roleIncludes(actor.role, meta.role)) return
  const message = `${path.join('.')} needs the role ${meta.role}; you are connected as ${actor.role}.`
  throw new PilothouseError('forbidden', message, { details: { needed: meta.role, held: actor.role } })
}

function deadlineExceeded(path: readonly string[], deadlineMs: number | null): PilothouseError {
  const seconds = Math.round((deadlineMs ?? 0) / 1000)
  return new PilothouseError('deadline_exceeded', `${path.join('.')} did not answer within ${seconds} s.`)
}
