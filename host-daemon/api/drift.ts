import type { Base } from './base.ts'
import type { Services } from './services.ts'

export function driftHandlers(base: Base, { drift }: Services) {
  const calls = base.drift
  return {
    list: calls.list.handler(({ context }) => drift.list(context.signal)),
    plan: calls.plan.handler(({ context, input }) => drift.plan(context, input.items, context.signal)),
    run: calls.run.handler(({ context, input }) => drift.run(context, input, context.signal)),
  }
}
