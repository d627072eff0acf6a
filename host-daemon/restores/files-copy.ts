import {
  copyTree as copyTreeOf,
  type CopiedTree as Copied,
  type CopyOptions,
  type SkipReason,
} from '../system/copy-tree.ts'

const WHY_SKIPPED: Readonly<Record<SkipReason, string>> = {
  fifo: 'It is a FIFO; only files, folders and symbolic links are restored.',
  socket: 'It is a socket; only files, folders and symbolic links are restored.',
  device: 'It is a device; only files, folders and symbolic links are restored.',
  path_too_long: 'Its path is too long for this host.',
}

export interface SkippedFile {
  readonly path: string
  /** A sentence. */
  readonly why: string
}

export type CopiedTree = Omit<Copied, 'skipped'> & { readonly skipped: readonly SkippedFile[] }

/** Copies what is below `from`, with the guarantees of the host's `copyTree`; says of what was skipped why. */
export async function copyTree(from: string, to: string, options: CopyOptions): Promise<CopiedTree> {
  const copied = await copyTreeOf(from, to, options)
  return { ...copied, skipped: copied.skipped.map(({ path, why }) => ({ path, why: WHY_SKIPPED[why] })) }
}
