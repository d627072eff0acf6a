import type { StoredEnvironment } from '../store/environment-row.ts'
import type { StoredOperation } from '../store/operation-row.ts'
import type { Toolkit } from './toolkit.ts'

/** A driver keeps its own deadlines; the step's comes this much later, in milliseconds, for one that does not. */
export const DRIVER_MARGIN_MS = 5_000

/** The environment that an operation is about. Throws when the row is gone: nothing could be right any more. */
export function environmentOf({ store }: Toolkit, operation: StoredOperation): StoredEnvironment {
  const environment = store.environments.find(operation.environmentId)
  if (environment === undefined) throw new Error(`Environment ${operation.environmentId} is not in the database`)
  return environment
}
