import type { Base } from './base.ts'
import type { Services } from './services.ts'

export function restoreHandlers(base: Base, { restores }: Services) {
  return {
    restore: {
      plan: base.restore.plan.handler(({ context, input }) => restores.planRestore(context, input, context.signal)),
      run: base.restore.run.handler(({ context, input }) => restores.runRestore(context, input, context.signal)),
    },
    undo: {
      plan: base.undo.plan.handler(({ context, input }) => restores.planUndo(context, input.environment)),
      run: base.undo.run.handler(({ context, input }) => restores.runUndo(context, input)),
    },
    drop: {
      plan: base.drop.plan.handler(({ context, input }) => restores.planDrop(context, input)),
      run: base.drop.run.handler(({ context, input }) => restores.runDrop(context, input)),
    },
    files: base.files.handler(({ context, input }) => restores.files(context, input)),
    clone: base.clone.handler(({ context, input }) => restores.clone(context, input)),
    drill: base.drill.handler(({ context, input }) => restores.drill(context, input)),
  }
}
