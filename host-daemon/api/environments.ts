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
    reboot: calls.reboot.handler(({ context, input }) => environments.reboot(context, input)),
    recover: calls.recover.handler(({ context, input }) => environments.recover(context, input)),
    resize: calls.resize.handler(({ context, input }) => environments.resize(context, input)),
    rename: calls.rename.handler(({ context, input }) => environments.rename(context, input.environment, input.name)),
    setLabels: calls.setLabels.handler(({ context, input }) =>
      environments.setLabels(context, input.environment, input.labels),
    ),
    setProtection: calls.setProtection.handler(({ context, input }) =>
      environments.setProtection(context, input.environment, input.isProtected),
    ),
    reset: {
      plan: calls.reset.plan.handler(({ context, input }) => environments.planReset(context, input.environment)),
      run: calls.reset.run.handler(({ context, input }) => environments.runReset(context, input)),
    },
    destroy: {
      plan: calls.destroy.plan.handler(({ context, input }) => environments.planDestroy(context, input.environment)),
      run: calls.destroy.run.handler(({ context, input }) => environments.runDestroy(context, input)),
    },
  }
}
