import type { Base } from './base.ts'
import type { Services } from './services.ts'

export function activityHandlers(base: Base, { activity, environments }: Services) {
  const calls = base.activity
  return {
    list: calls.list.handler(({ input }) => {
      const { environment, ...filter } = input
      const environmentId = environment === undefined ? undefined : environments.resolveRecorded(environment)
      return activity.list({ ...filter, environmentId })
    }),
    head: calls.head.handler(() => activity.head()),
  }
}
