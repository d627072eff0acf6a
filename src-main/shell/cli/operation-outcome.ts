import { PilothouseError } from '../../../src-shared/error.ts'
import type { Operation } from '../../../src-shared/model/operation.ts'
import type { Invocation } from './invocation.ts'
import type { DaemonSession } from './ports.ts'
import { showProgress } from './progress.ts'
import { HOME_GONE_NEXT } from './render/environment.ts'
import { operationFacts } from './render/operation.ts'

/** One question to the daemon lasts at most this, in milliseconds; it is asked again until the end. */
const WAIT_STEP_MS = 60_000

interface Asked {
  readonly session: DaemonSession
  readonly isWaiting: boolean
}

/** Prints an operation, waited for where asked; one that has failed or was cancelled ends the program so. */
export async function answerOperation(accepted: Operation, asked: Asked, invocation: Invocation): Promise<void> {
  const { output } = invocation
  const operation = asked.isWaiting ? await untilEnded(accepted, asked.session, invocation) : accepted
  output.item(operation, () => operationFacts(operation))
  if (operation.status.kind === 'running') output.note(`wait for it: pilothouse operations wait ${operation.id}`)
  else endAs(operation, invocation)
}

/** Prints an operation that was waited for; one that still runs ends the program with `deadline_exceeded`. */
export function answerEnded(operation: Operation, invocation: Invocation): void {
  invocation.output.item(operation, () => operationFacts(operation))
  endAs(operation, invocation)
  if (operation.status.kind !== 'running') return
  throw new PilothouseError('deadline_exceeded', `The operation ${operation.id} is still running.`, {
    hint: `It goes on by itself. Watch it: pilothouse operations watch ${operation.id}`,
    requestId: operation.requestId,
  })
}

/** Throws what an operation ended with, unless it succeeded. */
export function endAs(operation: Operation, { output }: Invocation): void {
  const { id, environmentName, requestId, status } = operation
  if (status.kind === 'failed') {
    if (status.failure.code === 'home_gone') output.note(HOME_GONE_NEXT(environmentName))
    throw PilothouseError.fromFailure(status.failure)
  }
  if (status.kind === 'cancelled')
    throw new PilothouseError('cancelled', `The operation ${id} was cancelled.`, { requestId })
  refuseFindings(operation)
}

/** A check or a drill may do its work to the end and find that something is wrong: that is no success. */
function refuseFindings({ result, status, requestId }: Operation): void {
  if (status.kind !== 'succeeded') return
  if (result?.kind === 'check' && !result.isSound)
    throw new PilothouseError('repository_damaged', 'The check found that the repository is not sound.', { requestId })
  if (result?.kind === 'drill' && !result.isPassed)
    throw new PilothouseError('drill_failed', 'The drill found that the point is not restorable as it is.', {
      requestId,
    })
}

async function untilEnded(accepted: Operation, session: DaemonSession, invocation: Invocation): Promise<Operation> {
  const progress = showProgress(accepted, session, invocation)
  try {
    let operation = accepted
    while (operation.status.kind === 'running') {
      operation = await session.client.operations.wait(
        { id: operation.id, timeoutMs: WAIT_STEP_MS },
        invocation.callOptions,
      )
    }
    return operation
  } finally {
    progress.dispose()
  }
}
