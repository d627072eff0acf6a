import type { Base } from './base.ts'
import type { Services } from './services.ts'

export function operationHandlers(base: Base, { environments, operations }: Services) {
  const calls = base.operations
  return {
    list: calls.list.handler(({ input }) => {
      const { environment, isRunning, limit } = input
      const environmentId = environment === undefined ? undefined : environments.resolveRecorded(environment)
      return operations.list({ environmentId, isRunning, limit })
    }),
    get: calls.get.handler(({ input }) => operations.get(input.id)),
    steps: calls.steps.handler(({ input }) => operations.steps(input.id)),
    wait: calls.wait.handler(({ context, input }) => operations.wait(input.id, input.timeoutMs, context.signal)),
    cancel: calls.cancel.handler(({ context, input }) => operations.cancel(input.id, context)),
  }
}
