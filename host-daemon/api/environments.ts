import type { Base } from './base.ts'
import type { Services } from './services.ts'

export function environmentHandlers(base: Base, { environments, events }: Services) {
  const calls = base.environments
  return {
    list: calls.list.handler(({ input }) => ({
      cursor: events.cursor,
      environments: environments.list(input.owner),
    })),
    get: calls.get.handler(({ input }) => environments.get(input.environment)),
    spawn: calls.spawn.handler(({ context, input }) => environments.spawn(context, input)),
    start: calls.start.handler(({ context, input }) => environments.start(context, input)),
    stop: calls.stop.handler(({ context, input }) => environments.stop(context, input)),
    setProtection: calls.setProtection.handler(({ context, input }) =>
      environments.setProtection(context, input.environment, input.isProtected),
    ),
    destroy: {
      plan: calls.destroy.plan.handler(({ context, input }) => environments.planDestroy(context, input.environment)),
      run: calls.destroy.run.handler(({ context, input }) => environments.runDestroy(context, input)),
    },
  }
}
