import type { Operation, OperationKind } from '../../src-shared/model/operation.ts'
import type { Shown } from './tone.ts'

export const OPERATION_WORDS: Record<OperationKind, string> = {
  spawn: 'Spawn',
  start: 'Start',
  stop: 'Stop',
  reboot: 'Reboot',
  recover: 'Recover',
  reset: 'Reset',
  resize: 'Resize',
  destroy: 'Destroy',
}

/** Ends with a guest that runs, through the phases of a start. */
export function startsGuest(kind: OperationKind): boolean {
  return kind !== 'stop' && kind !== 'resize' && kind !== 'destroy'
}

const DONE_SENTENCES: Record<OperationKind, string> = {
  spawn: 'is ready.',
  start: 'is running.',
  stop: 'has stopped; its home is kept.',
  reboot: 'is running again, with its home.',
  recover: 'is back, with its home.',
  reset: 'started fresh; its old home is gone.',
  resize: 'has its new size.',
  destroy: 'and its home are gone.',
}

/** `alice`, or `alice (claimed op@desk-1)`: what the host knows, then what the client said of itself. */
export function actorText(actor: Operation['actor']): string {
  return actor.claimedActor === null ? actor.user : `${actor.user} (claimed ${actor.claimedActor})`
}

/** `creating home · step 2 of 5`. */
export function stepText(operation: Operation): string {
  const step = operation.step.replaceAll('_', ' ').replaceAll('-', ' ')
  return `${step} · step ${Math.min(operation.stepIndex + 1, operation.stepCount)} of ${operation.stepCount}`
}

/** How an operation stands, in icon, word and colour. */
export function operationShown(operation: Operation): Shown {
  const { status } = operation
  const subject = `${OPERATION_WORDS[operation.kind]} of ${operation.environmentName}`
  switch (status.kind) {
    case 'running':
      return {
        word: 'Running',
        note: stepText(operation),
        tone: 'busy',
        icon: 'i-lucide-loader',
        sentence: `${subject} is running.`,
      }
    case 'succeeded':
      return { word: 'Done', note: '', tone: 'ok', icon: 'i-lucide-check', sentence: doneSentence(operation) }
    case 'failed':
      return {
        word: 'Failed',
        note: status.failure.message,
        tone: 'bad',
        icon: 'i-lucide-triangle-alert',
        sentence: `${subject} failed: ${status.failure.message}`,
      }
    case 'cancelled':
      return { word: 'Cancelled', note: '', tone: 'idle', icon: 'i-lucide-ban', sentence: `${subject} was cancelled.` }
  }
}

/** How an environment stands that the host does not list: what its last operation made of it; null when unsaid. */
export function absentShown(operation: Operation | undefined): Shown | null {
  if (operation === undefined || operation.status.kind === 'running') return null
  if (operation.kind !== 'destroy' || operation.status.kind !== 'succeeded') return operationShown(operation)
  const sentence = 'The guest and its home are gone. Its operations stay on record.'
  return { word: 'Destroyed', note: '', tone: 'idle', icon: 'i-lucide-trash-2', sentence }
}

function doneSentence(operation: Operation): string {
  return `${operation.environmentName} ${DONE_SENTENCES[operation.kind]}`
}
