import type { StepEntry } from '../../../src-shared/model/operation.ts'
import type { Shown } from '../../lib/tone.ts'

/** `Wait until ready`, `Undo: create home`. */
export function stepName({ direction, step }: StepEntry): string {
  const words = step.replaceAll(/[-_]/g, ' ')
  return direction === 'undo' ? `Undo: ${words}` : words.slice(0, 1).toUpperCase() + words.slice(1)
}

/** How a step ended; one that was begun and not ended is running, or was cut off where its operation is over. */
export function stepShown(step: StepEntry, isRunning: boolean): Shown {
  const note = ''
  const sentence = step.detail ?? ''
  if (step.outcome === 'done') return { word: 'Done', tone: 'ok', icon: 'i-lucide-check', note, sentence }
  if (step.outcome === 'failed') return { word: 'Failed', tone: 'bad', icon: 'i-lucide-triangle-alert', note, sentence }
  if (step.outcome === 'interrupted' || !isRunning)
    return { word: 'Interrupted', tone: 'warn', icon: 'i-lucide-circle-alert', note, sentence }
  return { word: 'Running', tone: 'busy', icon: 'i-lucide-loader', note, sentence }
}
