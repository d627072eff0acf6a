import { PilothouseError } from '../../../src-shared/error.ts'
import type { Operation } from '../../../src-shared/model/operation.ts'
import type { Invocation } from './invocation.ts'
import type { DaemonSession } from './ports.ts'
import { showProgress } from './progress.ts'
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
  if (operation.status.kind === 'failed') throw PilothouseError.fromFailure(operation.status.failure)
  if (operation.status.kind === 'cancelled') {
    throw new PilothouseError('cancelled', `The operation ${operation.id} was cancelled.`, {
      requestId: operation.requestId,
    })
  }
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
