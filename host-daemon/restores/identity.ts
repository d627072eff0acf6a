import { lstat, readdir, unlink } from 'node:fs/promises'
import { PilothouseError } from '../../src-shared/error.ts'

const SLASH = Buffer.from('/')
/** A home with more of them is none that anybody's recipe meant. */
const MOST_FILES = 1_000

/**
 * The files of a tree that one of the patterns means, by path below its root: files and links, never what a link leads to,
 * and never a folder. Throws `engine_failed` where there are far too many. Nobody else may write to the tree meanwhile.
 */
export async function findIdentity(root: string, patterns: readonly string[]): Promise<Buffer[]> {
  const found = new Map<string, Buffer>()
  for (const pattern of patterns) {
    for (const path of await matching(Buffer.from(root), pattern.split('/'))) {
      const below = path.subarray(Buffer.byteLength(root) + 1)
      found.set(below.toString('latin1'), below)
      if (found.size > MOST_FILES) throw tooMany()
    }
  }
  return [...found.values()]
}

async function matching(folder: Buffer, [name = '', ...rest]: readonly string[]): Promise<Buffer[]> {
  const grammar = grammarOf(name)
  const found: Buffer[] = []
  for (const entry of await readdir(folder, { encoding: 'buffer' })) {
    if (!grammar.test(entry.toString('latin1'))) continue
    const path = Buffer.concat([folder, SLASH, entry])
    // A link is never followed: it may lead out of the tree.
    const stat = await lstat(path)
    if (rest.length > 0) found.push(...(stat.isDirectory() ? await matching(path, rest) : []))
    else if (stat.isFile() || stat.isSymbolicLink()) found.push(path)
    if (found.length > MOST_FILES) throw tooMany()
  }
  return found
}

/** Of one name; `*` is any part of it, but for the dot that hides it. */
function grammarOf(name: string): RegExp {
  const parts = name.split('*').map((part) => part.replaceAll('.', String.raw`\.`))
  const hidden = name.startsWith('*') ? String.raw`(?!\.)` : ''
  return new RegExp(`^${hidden}${parts.join('[^]*')}$`)
}

export async function removeIdentity(root: string, paths: readonly Buffer[]): Promise<void> {
  for (const path of paths) await unlink(Buffer.concat([Buffer.from(root), SLASH, path]))
}

function tooMany(): PilothouseError {
  const message = `More than ${MOST_FILES} files of the point are what the image calls its identity.`
  const hint = "Correct the identity in the image's recipe, or restore the files that are needed on their own."
  return new PilothouseError('engine_failed', message, { hint, retryable: false })
}
