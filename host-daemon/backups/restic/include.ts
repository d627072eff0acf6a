import { PilothouseError } from '../../../src-shared/error.ts'
import { isInTree } from '../../system/trees.ts'

/** Together, of what a program can be given. */
const MOST_BYTES = 512 * 1024
const SHOWN = 5

/**
 * Flags that restore exactly these paths of a point, each a file or a whole folder. restic takes a path for a pattern:
 * what means something in one is escaped. Throws `invalid_request` for what is no path from the root of a point.
 */
export function includeFlags(paths: readonly string[]): string[] {
  const bytes = paths.reduce((sum, path) => sum + Buffer.byteLength(path), 0)
  if (bytes > MOST_BYTES) throw refused(`paths: ${paths.length} paths are too many to restore at once`)
  return paths.flatMap((path) => ['--include', escaped(requirePath(path))])
}

const escaped = (path: string): string => path.replaceAll(/[\\*?[\]]/g, String.raw`\$&`)

function requirePath(path: string): string {
  const isPath =
    path.startsWith('/') && !path.includes('\0') && namesOf(path).every((name) => !['', '.', '..'].includes(name))
  if (isPath) return path
  throw refused(`paths: ${shown(path)} is no path from the root of a recovery point`)
}

const refused = (says: string): PilothouseError =>
  new PilothouseError('invalid_request', `${says}; nothing was restored.`, {
    hint: 'Take the paths from the listing of the recovery point.',
  })

/**
 * Rejects with `not_found` unless each of these paths is in the tree: restic succeeds where a path matches nothing.
 * Follows no symbolic link.
 */
export async function requireArrived(root: string, paths: readonly string[]): Promise<void> {
  const missing: string[] = []
  for (const path of paths) if (!(await isInTree(root, namesOf(path)))) missing.push(path)
  if (missing.length === 0) return
  const more = missing.length > SHOWN ? ` and ${missing.length - SHOWN} more` : ''
  throw new PilothouseError(
    'not_found',
    `Not in the recovery point: ${missing.slice(0, SHOWN).map(shown).join(', ')}${more}.`,
    {
      hint: 'Take the paths from the listing; where a name has bytes that are no text, restore the folder that it is in.',
    },
  )
}

const namesOf = (path: string): string[] => path.split('/').slice(1)

/** With quotes, and without a character that a terminal obeys. */
const shown = (path: string): string =>
  JSON.stringify(path.slice(0, 200)).replaceAll(
    /[\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g,
    (character) => {
      return String.raw`\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`
    },
  )
