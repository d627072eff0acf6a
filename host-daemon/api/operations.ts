import { roleOfOperation } from '../../src-shared/contract/operation-roles.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import { roleIncludes, type Role } from '../../src-shared/model/role.ts'
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
    cancel: calls.cancel.handler(({ context, input }) => {
      assertMayEnd(operations.get(input.id), context.actor.role)
      return operations.cancel(input.id, context)
    }),
  }
}

/** Who may not start one may not end it either. Throws `forbidden`. */
function assertMayEnd({ kind, environmentName }: Operation, held: Role): void {
  const needed = roleOfOperation(kind)
  if (roleIncludes(held, needed)) return
  const message = `Cancelling ${kind} on ${environmentName} needs the role ${needed}; this connection has ${held}.`
  throw new PilothouseError('forbidden', message, {
    hint: `Connect to ${needed}.sock, or ask someone who has the role ${needed}. It goes on.`,
    details: { needed, held },
  })
}
