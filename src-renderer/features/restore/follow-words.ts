import type { Failure } from '../../../src-shared/error.ts'
import type { Operation, OperationKind } from '../../../src-shared/model/operation.ts'

const DEFAULT_CANCEL = 'Cancelling undoes what was done so far.'

/** What a press of Cancel does, in a sentence. */
const CANCEL_SAYS: Partial<Record<OperationKind, string>> = {
  restore: 'Cancelling removes the home that is being filled. The present home stays, and the guest is as it was.',
  undo_restore: 'Cancelling leaves both homes where they are, and the guest as it was.',
  clone: 'Cancelling removes the new environment with what was restored of it. The source is not touched.',
  restore_files: 'Cancelling removes what was copied so far. Neither the home nor the point is touched.',
  drill: 'Cancelling removes the scratch guest. What is known of the point stays as it is.',
}

export function cancelSays({ kind }: Operation): string {
  return CANCEL_SAYS[kind] ?? DEFAULT_CANCEL
}

const DEFAULT_KEPT = 'What it had done was undone.'
const KEPT: Partial<Record<OperationKind, string>> = {
  restore: 'The old home is in place, and the guest is as it was before.',
  undo_restore: 'The present home is in place, and the other one is still kept.',
  clone: 'The source and its points are not touched; nothing is left of the new environment.',
  restore_files: 'The home and the point are not touched; nothing was left in the folder.',
  drop_undo:
    'Its own home and its guest are not touched. The host tries again by itself to remove the home that was given up.',
  drill: 'The environment and its points are not touched; the scratch guest is gone.',
}

function reviewed({ details }: Failure): string {
  const homes = [details?.['oldHomeId'], details?.['newHomeId']].filter((id) => typeof id === 'string')
  const named = homes.length === 0 ? '' : `: ${homes.join(' and ')}`
  return `Going back failed too. Every home is kept for review${named}, until somebody gives it up.`
}

/** What an operation left that did not succeed. */
export function keptSays({ kind, status, step }: Operation): string {
  if (status.kind === 'failed' && status.failure.details?.['rollbackFailedAt'] !== undefined)
    return reviewed(status.failure)
  const isPastReturn = step === 'commit' && (kind === 'restore' || kind === 'undo_restore')
  if (status.kind === 'failed' && isPastReturn)
    return 'The environment runs on the home that was swapped in; the other one is kept.'
  return KEPT[kind] ?? DEFAULT_KEPT
}
