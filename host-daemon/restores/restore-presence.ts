import { PilothouseError } from '../../src-shared/error.ts'
import type { RecoveryPointId } from '../../src-shared/model/ids.ts'
import type { RecoveryToolkit } from '../backups/recovery-toolkit.ts'
import { useRepository } from '../backups/repository-work.ts'
import type { StoredPoint } from '../store/points-table.ts'
import { withDeadline } from '../system/deadline.ts'
import { assertListed } from './fill-home-steps.ts'

/** Shorter than the calls that wait for it. */
const ASK_MS = 45_000

interface Asking {
  readonly answer: Promise<void>
  readonly ending: AbortController
  waiting: number
}

/**
 * Asks a repository whether it still has a point, once for however many want to know it at the same time. What nobody
 * waits for any more is given up.
 */
export class PointPresence {
  private readonly recovery: RecoveryToolkit
  private readonly asking = new Map<RecoveryPointId, Asking>()

  constructor(recovery: RecoveryToolkit) {
    this.recovery = recovery
  }

  /**
   * Throws `no_recovery_point`, which is recorded, `point_foreign`, or why the repository could not be asked. Rejects with
   * the signal's reason, too.
   */
  async confirm(point: StoredPoint, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const asking = this.asking.get(point.id) ?? this.begin(point)
    asking.waiting += 1
    try {
      await withDeadline(() => asking.answer, { ...this.recovery, deadlineMs: null, signal, onDeadline: tooLong })
    } finally {
      asking.waiting -= 1
      if (asking.waiting === 0) asking.ending.abort(new Error('Nobody waits for it any more.'))
    }
  }

  private begin(point: StoredPoint): Asking {
    const ending = new AbortController()
    const bounds = { ...this.recovery, deadlineMs: ASK_MS, signal: ending.signal, onDeadline: tooLong }
    const answer = withDeadline((signal) => this.ask(point, signal), bounds).finally(() => {
      this.asking.delete(point.id)
    })
    // Whoever waits hears of it; nobody need be waiting any more.
    answer.catch(() => undefined)
    const asking = { answer, ending, waiting: 0 }
    this.asking.set(point.id, asking)
    return asking
  }

  private async ask(point: StoredPoint, signal: AbortSignal): Promise<void> {
    const { environmentId } = point
    const repository = this.recovery.repositories.at(point.repository)
    const use = { environmentId, repository, isAlone: false, isAfterCrash: false, call: { signal } }
    const listed = await useRepository(this.recovery, use, (open) => open.list({ signal, environmentId }))
    assertListed(this.recovery, point, { listed, operationId: null, requestId: null })
  }
}

function tooLong(): PilothouseError {
  const message = `Whether the point is still there could not be found out within ${ASK_MS / 1000} s.`
  return new PilothouseError('repository_unreachable', message)
}
