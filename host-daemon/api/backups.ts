import type { Base } from './base.ts'
import type { Services } from './services.ts'

export function backupHandlers(base: Base, { backups }: Services) {
  const calls = base.backups
  return {
    status: calls.status.handler(({ input }) => backups.status(input.environment)),
    points: calls.points.handler(({ input }) => backups.points(input)),
    orphaned: calls.orphaned.handler(() => backups.orphaned()),
    adopt: calls.adopt.handler(({ context, input }) => backups.adopt(context, input.environment, context.signal)),
    now: calls.now.handler(({ context, input }) => backups.now(context, input)),
    check: calls.check.handler(({ context, input }) => backups.check(context, input)),
    prune: calls.prune.handler(({ context, input }) => backups.prune(context, input)),
    setPolicy: calls.setPolicy.handler(({ context, input }) => backups.setPolicy(context, input)),
    browse: calls.browse.handler(({ context, input }) => backups.browse(input, context.signal)),
    compare: calls.compare.handler(({ context, input }) => backups.compare(input, context.signal)),
  }
}
