import type { RestoreLoss, RestorePlan } from '../../../src-shared/model/restore.ts'
import { bytesText, countText } from '../../lib/format.ts'

function lossText(loss: RestoreLoss): string {
  if (loss.kind === 'no_home') return 'there is no home to lose anything of'
  if (loss.kind === 'not_counted') return 'not counted'
  const { added, changed, removed } = loss.changes
  return `${countText(added)} added, ${countText(changed)} changed, ${countText(removed)} removed`
}

/** What a plan says otherwise than the one before it, a phrase each; of another point or guest there is nothing to say. */
export function planChanges(before: RestorePlan | null, now: RestorePlan): string[] {
  if (before?.point.id !== now.point.id || before.isStopNow !== now.isStopNow) return []
  const facts: readonly (readonly [what: string, was: string, is: string])[] = [
    ['generation', String(before.generation), String(now.generation)],
    ['written since the point', lossText(before.loss), lossText(now.loss)],
    ['disk needed', bytesText(before.diskNeededBytes), bytesText(now.diskNeededBytes)],
    ['earlier undo', before.dropsUndo ? 'removed' : 'none', now.dropsUndo ? 'removed' : 'none'],
  ]
  const changed = facts.filter(([, was, is]) => was !== is).map(([what, was, is]) => `${what}: was ${was}, is ${is}`)
  return changed.length === 0 ? ['nothing but its times'] : changed
}
