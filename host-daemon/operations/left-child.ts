import type { Clock } from '../../src-shared/lib/clock.ts'
import type { OperationId } from '../../src-shared/model/ids.ts'
import type { Logger } from '../system/logger.ts'
import { signalProcess, waitUntilGone, type ProcessIdentity } from '../system/processes.ts'

/** The kernel ends a dead daemon's children at once; what is left of one is asked, then forced. */
const BY_ITSELF_MS = 2_000
const ASKED_MS = 20_000
const FORCED_MS = 10_000

export interface LeftChildOptions {
  /** Which waits. */
  readonly operationId: OperationId
  readonly clock: Clock
  readonly logger: Logger
  /** Aborted when the daemon ends: the wait is over then, whatever has become of the child. */
  readonly signal: AbortSignal
}

/**
 * Resolves once that very process is positively gone: by itself, by SIGINT (which lets restic remove its lock), by force.
 * It is tried again for as long as it takes, also where the process may not be signalled or looked at; each time is
 * logged, and never is it taken for gone.
 */
export async function untilLeftChildIsGone(child: ProcessIdentity, options: LeftChildOptions): Promise<void> {
  const { operationId, clock, logger, signal } = options
  while (!signal.aborted) {
    const why = await endLeftChild(child).then(
      (isGone) => (isGone ? undefined : {}),
      (err: unknown) => ({ err }),
    )
    if (why === undefined) return
    logger.error({ operationId, child, ...why }, "A dead daemon's child is still there; its operation waits for it")
    await clock.sleep(BY_ITSELF_MS, signal).catch(() => undefined)
  }
}

async function endLeftChild(child: ProcessIdentity): Promise<boolean> {
  if (await waitUntilGone(child, { timeoutMs: BY_ITSELF_MS })) return true
  await signalProcess(child, 'SIGINT')
  if (await waitUntilGone(child, { timeoutMs: ASKED_MS })) return true
  await signalProcess(child, 'SIGKILL')
  return await waitUntilGone(child, { timeoutMs: FORCED_MS })
}
