import type { OperationDefinition } from '../operations/step.ts'
import type { Toolkit } from './toolkit.ts'

/** recover and reboot. */
export function recoverOperations(_toolkit: Toolkit): OperationDefinition[] {
  return []
}
