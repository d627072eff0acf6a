import type { OperationDefinition } from '../operations/step.ts'
import { describeFailure } from './failures.ts'
import type { Toolkit } from './toolkit.ts'

/** Changes the size of a stopped environment. */
export function resizeOperation(toolkit: Toolkit): OperationDefinition {
  return {
    kind: 'resize',
    claim: { mode: 'exclusive', resource: 'home', isDisplacing: true },
    steps: [],
    retry: null,
    describeFailure: describeFailure(toolkit.logger),
    settle: () => undefined,
  }
}
