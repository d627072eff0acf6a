import type { OperationDefinition } from '../operations/step.ts'
import { describeFailure } from './failures.ts'
import type { StartOptions } from './start-operations.ts'
import type { Toolkit } from './toolkit.ts'

/** Replaces the home with a fresh one and starts the guest from its image. */
export function resetOperation(toolkit: Toolkit, _options: StartOptions): OperationDefinition {
  return {
    kind: 'reset',
    claim: { mode: 'exclusive', resource: 'home', isDisplacing: true },
    steps: [],
    retry: null,
    describeFailure: describeFailure(toolkit.logger),
    settle: () => undefined,
  }
}
