import type { Clock } from '../../src-shared/lib/clock.ts'
import type { OperationId } from '../../src-shared/model/ids.ts'
import type { Logger } from '../system/logger.ts'
import { signalProcess, waitUntilGone, type ProcessIdentity } from '../system/processes.ts'

/** How long each look lasts, in milliseconds. */
export interface LeftChildBounds {
  /** For the kernel, which ends a dead daemon's children at once; and between two tries. */
  readonly byItselfMs: number
  /** After SIGINT. */
  readonly askedMs: number
  /** After SIGKILL. */
  readonly forcedMs: number
}

const BOUNDS: LeftChildBounds = { byItselfMs: 2_000, askedMs: 20_000, forcedMs: 10_000 }

export interface LeftChildOptions {
  /** Which waits. */
  readonly operationId: OperationId
  readonly clock: Clock
  readonly logger: Logger
  /** Aborted when the daemon ends: the wait is over at once then, whatever has become of the child. */
  readonly signal: AbortSignal
  readonly bounds?: LeftChildBounds
}

/**
 * Resolves once that very process is positively gone: by itself, by SIGINT (which lets restic remove its lock), by force.
 * It is tried again for as long as it takes, also where the process may not be signalled or looked at; each time is
 * logged, and never is it taken for gone. Resolves too when `signal` is aborted, with the child as it is.
 */
export async function untilLeftChildIsGone(child: ProcessIdentity, options: LeftChildOptions): Promise<void> {
  const { operationId, clock, logger, signal, bounds = BOUNDS } = options
  while (!signal.aborted) {
    const why = await endLeftChild(child, bounds, signal).then(
      (isGone) => (isGone ? undefined : {}),
      (err: unknown) => (signal.aborted ? undefined : { err }),
    )
    if (why === undefined) return
    logger.error({ operationId, child, ...why }, "A dead daemon's child is still there; its operation waits for it")
    await clock.sleep(bounds.byItselfMs, signal).catch(() => undefined)
  }
}

/** Rejects when `signal` is aborted, and then signals nobody any more. */
async function endLeftChild(child: ProcessIdentity, bounds: LeftChildBounds, signal: AbortSignal): Promise<boolean> {
  const { byItselfMs, askedMs, forcedMs } = bounds
  if (await waitUntilGone(child, { timeoutMs: byItselfMs, signal })) return true
  await signalProcess(child, 'SIGINT')
  if (await waitUntilGone(child, { timeoutMs: askedMs, signal })) return true
  await signalProcess(child, 'SIGKILL')
  return await waitUntilGone(child, { timeoutMs: forcedMs, signal })
}
