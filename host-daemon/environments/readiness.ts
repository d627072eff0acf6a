import type { ObservedState } from '../../src-shared/model/environment.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { Toolkit } from './toolkit.ts'

/** The guest's agent answers: whoever needs the environment can use it. */
export function isReady({ observed }: { readonly observed: ObservedState }): boolean {
  return observed.kind === 'running' && observed.agent === 'answering'
}

interface Turn {
  readonly to: 'lost' | 'regained'
  readonly detail: string
}

/** Records that a guest has stopped, or begun again, to answer. Inside the transaction that changes its state. */
export function recordReadiness(
  { store, clock }: Toolkit,
  { id: environmentId, observed, boot }: StoredEnvironment,
  { to, detail }: Turn,
): void {
  store.activity.append({
    at: clock.now(),
    actor: null,
    requestId: null,
    operationId: null,
    environmentId,
    action: `readiness.${to}`,
    outcome: 'noticed',
    detail: { was: observed.kind, bootId: boot?.id ?? null, detail },
  })
}
