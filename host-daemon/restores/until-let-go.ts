import type { OperationId } from '../../src-shared/model/ids.ts'
import type { Step } from '../operations/step.ts'

/** A repository's program has 20 s to end; closing the home comes after it. */
const LET_GO_MS = 3 * 60_000

/**
 * The step, whose undo begins with waiting until whatever makes, fills, reads or changes its home has let go of it:
 * only then may that home be removed, and stay so. Nothing is waited for that another daemon has begun.
 */
export function untilLetGo(step: Step): Step {
  const working = new Map<OperationId, Promise<void>>()
  return {
    ...step,
    run: (context) => {
      const { id } = context.operation
      const work = step.run(context)
      working.set(id, work)
      context.scope.add({ dispose: () => working.delete(id) })
      return work
    },
    undo: async (context) => {
      await working.get(context.operation.id)?.catch(() => undefined)
      await step.undo?.(context)
    },
    undoDeadlineMs: LET_GO_MS + (step.undoDeadlineMs ?? 0),
  }
}
