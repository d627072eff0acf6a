import type { Toolkit } from '../environments/toolkit.ts'
import type { StoredOperation } from '../store/operation-row.ts'

interface Said {
  readonly outcome: string
  readonly detail: Readonly<Record<string, unknown>>
}

/** Appends to the record what an operation did, in its own words. Inside the transaction that changes the state. */
export function record({ store, clock }: Toolkit, operation: StoredOperation, said: Said): void {
  const { id: operationId, environmentId, actor, requestId, kind: action } = operation
  store.activity.append({ at: clock.now(), actor, requestId, operationId, environmentId, action, ...said })
}
