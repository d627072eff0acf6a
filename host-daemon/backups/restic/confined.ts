import { PilothouseError } from '../../../src-shared/error.ts'
import { runProgram } from '../../system/child.ts'
import type { RunPlace } from './restic.ts'

const LOOK_MS = 30_000

/**
 * Rejects with `invalid_request` unless no symbolic link is followed where a tree is mounted. restic checks names, and
 * trusts trees: of two entries of one name, a link and a file, it writes the second through the first, out of the
 * tree. No restic makes such a point; whoever has the password can, and a check finds it sound.
 */
export async function requireConfined(
  tree: RunPlace & { readonly pathInside: string },
  signal: AbortSignal,
): Promise<void> {
  const look = ['findmnt', '--noheadings', '--output', 'VFS-OPTIONS', '--target', tree.pathInside]
  const [file, ...args] = tree.within(look)
  const { stdout } = await runProgram({ file, args, timeoutMs: LOOK_MS, signal })
  if (stdout.toString('utf8').trim().split(',').includes('nosymfollow')) return
  throw new PilothouseError(
    'invalid_request',
    `Links would be followed out of ${tree.pathInside}; nothing was restored.`,
    {
      hint: 'Mount the tree that is restored into with the option nosymfollow.',
    },
  )
}
