import type { Base } from './base.ts'
import type { Services } from './services.ts'

export function eventsHandler(base: Base, { events }: Services) {
  return base.events.handler(({ context, input }) => events.subscribe(input.since, context.signal))
}
