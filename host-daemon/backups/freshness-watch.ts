import type { Freshness } from '../../src-shared/model/backup.ts'
import type { Subject } from './due-work.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'

/** That there is nothing to protect yet is no news of an environment that was just made. */
const NO_NEWS: Freshness['kind'] = 'not_provisioned'

/**
 * Tells every change of freshness once, also across restarts: by an activity record whose outcome is the new kind, in the
 * transaction that keeps what was told, which is an event as well.
 */
export function tellFreshness(recovery: RecoveryToolkit, subjects: readonly Subject[]): void {
  const changed = subjects.filter(({ status, state }) => status.freshness.kind !== state.toldFreshness)
  if (changed.length === 0) return
  recovery.store.db.transaction(() => {
    for (const subject of changed) tell(recovery, subject)
  })
}

function tell({ store, clock }: RecoveryToolkit, { status, state }: Subject): void {
  const { environmentId, freshness } = status
  const { kind, sentence } = freshness
  const from = state.toldFreshness
  store.backupStates.setToldFreshness(environmentId, kind)
  if (from === null && kind === NO_NEWS) return
  const about = { action: 'backup.freshness', outcome: kind, detail: { from, sentence } }
  store.activity.append({ ...about, at: clock.now(), actor: null, requestId: null, operationId: null, environmentId })
}
