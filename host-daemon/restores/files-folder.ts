import { join } from 'node:path'
import { PilothouseError } from '../../src-shared/error.ts'
import type { OperationId } from '../../src-shared/model/ids.ts'
import { ensureFolder, removeTree } from '../system/folders.ts'
import { isThere } from '../system/presence.ts'
import { publishFolder } from '../system/publish-folder.ts'

/** Whatever customers had in their homes is the daemon's user's alone. */
const OWN_ONLY = 0o700

/** Where the files of one restore arrive: under a name of its own until it is whole, then under the one asked for. */
export interface RestoredFolder {
  readonly parent: string
  readonly making: string
  readonly final: string
}

/** Pure. `folder` has the grammar of `restoreFolderSchema`; no such name begins with a dot. */
export function restoredFolder(parent: string, folder: string, id: OperationId): RestoredFolder {
  return { parent, making: join(parent, `.${id}.making`), final: join(parent, folder) }
}

/** Throws `target_exists`. */
export async function assertNew(parent: string, folder: string): Promise<void> {
  const final = join(parent, folder)
  if (await isThere(final)) throw targetExists(final)
}

/** The parent is there, and what an attempt before had begun is not. */
export async function makeRoom({ parent, making }: RestoredFolder): Promise<void> {
  await ensureFolder(parent, OWN_ONLY)
  await removeTree(making)
}

/**
 * Gives the whole folder the name that was asked for, in one step, durably, and never over anything that is there: throws
 * `target_exists` then. Idempotent.
 */
export async function publish({ making, final }: RestoredFolder): Promise<void> {
  if (!(await publishFolder(making, final))) throw targetExists(final)
}

export async function removeUnpublished({ making }: RestoredFolder): Promise<void> {
  await removeTree(making)
}

function targetExists(path: string): PilothouseError {
  return new PilothouseError('target_exists', `${path} exists on the host already; nothing was written to it.`)
}
