import type { Operation, OperationKind } from '../../src-shared/model/operation.ts'

type Steps = readonly (readonly [step: string, words: string])[]

const BRING_UP: Steps = [
  ['start_guest', 'Start the guest on it'],
  ['await_ready', 'Wait until the guest is ready'],
]
const TURN = ['await_turn', 'Wait for a turn to start a guest'] as const
const CHECK_POINT = ['check_point', 'Look whether the repository has the point'] as const

/** What each step of the host's does, in words, in the host's own order. */
export const OPERATION_STEPS: Partial<Record<OperationKind, Steps>> = {
  restore: [
    CHECK_POINT,
    ['stop_now', 'End the guest now, where that was asked for'],
    ['make_home', 'Make a new, empty home beside the present one'],
    ['restore', 'Restore the point into the new home'],
    ['verify', 'Verify it: file system, counts, sizes'],
    TURN,
    ['stop_guest', 'Stop the guest'],
    ['swap_home', 'Swap the homes; the old one is kept'],
    ...BRING_UP,
    ['commit', 'Finish; the old home stays for undo'],
  ],
  undo_restore: [
    ['check_home', 'Look whether the kept home is whole'],
    TURN,
    ['stop_guest', 'Stop the guest'],
    ['swap_home', 'Swap the homes back'],
    ...BRING_UP,
    ['commit', 'Finish; the restored home is kept in turn'],
  ],
  drop_undo: [['remove_home', 'Remove the kept home']],
  clone: [
    CHECK_POINT,
    ['make_home', 'Make a new, empty home'],
    ['restore', 'Restore the point into it'],
    ['new_identity', 'Give it an identity of its own'],
    ['verify', 'Verify it: file system, counts, sizes'],
    TURN,
    ...BRING_UP,
  ],
  restore_files: [
    CHECK_POINT,
    ['check_paths', 'Look whether the point has what was picked'],
    ['make_scratch', 'Make scratch space'],
    ['restore', 'Restore what was picked'],
    ['copy', 'Copy it out, whatever can be copied safely'],
    ['clean_up', 'Remove the scratch space'],
    ['publish', 'Give the folder its name'],
  ],
  drill: [
    ['await_slot', 'Wait for a turn'],
    CHECK_POINT,
    ['make_scratch', 'Make a scratch home'],
    ['restore', 'Restore the point into it'],
    ['new_identity', 'Give it an identity of its own'],
    ['verify', 'Verify its file system'],
    ['boot_scratch', 'Boot a guest on it, without network'],
    ['check_guest', 'Hold what it has against the point'],
    ['record', 'Record what came of it'],
    ['clean_up', 'Remove the scratch guest, or keep it where that was asked for'],
  ],
}

/** Its progress and its result are shown in a dialog of their own. */
export function isFollowable(kind: OperationKind): boolean {
  return Object.hasOwn(OPERATION_STEPS, kind)
}

export interface StepLine {
  readonly words: string
  readonly state: 'done' | 'current' | 'ahead'
}

/** All steps of an operation, where the host goes by the ones that are known here; null where it does not. */
export function stepLines({ kind, step, stepIndex, stepCount }: Operation): StepLine[] | null {
  const steps = OPERATION_STEPS[kind]
  if (steps?.length !== stepCount || steps[stepIndex]?.[0] !== step) return null
  return steps.map(([, words], index) => ({
    words,
    state: index < stepIndex ? 'done' : index === stepIndex ? 'current' : 'ahead',
  }))
}
