import type { Operation, OperationKind } from '../../src-shared/model/operation.ts'
import { progressText } from './progress-words.ts'
import { resultBrief } from './result-words.ts'
import type { Shown } from './tone.ts'

export const OPERATION_WORDS: Record<OperationKind, string> = {
  spawn: 'Spawn',
  start: 'Start',
  stop: 'Stop',
  reboot: 'Reboot',
  recover: 'Recover',
  reset: 'Reset',
  restore: 'Restore',
  undo_restore: 'Undo of a restore',
  drop_undo: 'Removal of a kept home',
  clone: 'Clone',
  restore_files: 'Restore of files',
  backup: 'Backup',
  prune: 'Prune',
  check: 'Check',
  drill: 'Drill',
  resize: 'Resize',
  destroy: 'Destroy',
}

/** From its first moment on a start, through the phases of one; restore and clone first fill a home. */
const STARTS: ReadonlySet<OperationKind> = new Set(['spawn', 'start', 'reboot', 'recover', 'reset'])

/** Ends with a guest that runs, through the phases of a start. */
export function startsGuest(kind: OperationKind): boolean {
  return STARTS.has(kind)
}

/** Goes on beside the guest and changes nothing of how it stands: it stands in the way of nothing, and gives way. */
const ASIDE: ReadonlySet<OperationKind> = new Set(['backup', 'prune', 'check', 'drill', 'restore_files', 'drop_undo'])

export function isAside(kind: OperationKind): boolean {
  return ASIDE.has(kind)
}

const DONE_SENTENCES: Record<OperationKind, string> = {
  spawn: 'is ready.',
  start: 'is running.',
  stop: 'has stopped; its home is kept.',
  reboot: 'is running again, with its home.',
  recover: 'is back, with its home.',
  reset: 'started fresh; its old home is gone.',
  restore: 'has the home of the recovery point; the one before is kept for undo.',
  undo_restore: 'has its home from before the restore again.',
  drop_undo: 'had a kept home removed; its space is free.',
  clone: 'was made from the recovery point, with an identity of its own.',
  restore_files: 'kept its home as it is; the files are in their folder on the host.',
  backup: 'has a new recovery point.',
  prune: 'has the recovery points that retention keeps; the others are forgotten.',
  check: 'had its repository checked.',
  drill: 'has a proven recovery point; the scratch guest is gone.',
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
        note: [stepText(operation), progressText(operation.progress)].filter((part) => part !== '').join(' · '),
        tone: 'busy',
        icon: 'i-lucide-loader',
        sentence: `${subject} is running.`,
      }
    case 'succeeded':
      return {
        word: 'Done',
        note: operation.result === null ? '' : resultBrief(operation.result),
        tone: 'ok',
        icon: 'i-lucide-check',
        sentence: doneSentence(operation),
      }
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
