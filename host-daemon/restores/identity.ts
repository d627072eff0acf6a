import { PilothouseError } from '../../src-shared/error.ts'
import { unlinkBelow, walkTree } from '../system/trees.ts'

/** A home with more of them is none that anybody's recipe meant. */
const MOST_FILES = 1_000

/**
 * The files of a tree that one of the patterns means, by path below its root: files and links, never what a link leads
 * to, and never a folder. Throws `engine_failed` where there are far too many, and at once the reason of its signal.
 * Nobody else may write to the tree meanwhile.
 */
export async function findIdentity(root: string, patterns: readonly string[], signal: AbortSignal): Promise<Buffer[]> {
  const found = new Map<string, Buffer>()
  for (const pattern of patterns) {
    for await (const path of matching(root, pattern, signal)) {
      found.set(path.toString('latin1'), path)
      if (found.size > MOST_FILES) throw tooMany()
    }
  }
  return [...found.values()]
}

/** No link is followed: it may lead out of the tree. */
async function* matching(root: string, pattern: string, signal: AbortSignal): AsyncGenerator<Buffer, void> {
  const grammars = pattern.split('/').map(grammarOf)
  const where = (path: Buffer): boolean => namesOf(path).every((name, depth) => grammars[depth]?.test(name) === true)
  for await (const { path, kind } of walkTree(root, { where, signal })) {
    const isWhole = namesOf(path).length === grammars.length
    if (isWhole && (kind === 'file' || kind === 'symlink')) yield path
  }
}

const namesOf = (path: Buffer): string[] => path.toString('latin1').split('/')

/** Of one name; `*` is any part of it, but for the dot that hides it. */
function grammarOf(name: string): RegExp {
  const parts = name.split('*').map((part) => part.replaceAll('.', String.raw`\.`))
  const hidden = name.startsWith('*') ? String.raw`(?!\.)` : ''
  return new RegExp(`^${hidden}${parts.join('[^]*')}$`)
}

export async function removeIdentity(root: string, paths: readonly Buffer[]): Promise<void> {
  await unlinkBelow(root, paths)
}

function tooMany(): PilothouseError {
  const message = `More than ${MOST_FILES} files of the point are what the image calls its identity.`
  const hint = "Correct the identity in the image's recipe, or restore the files that are needed on their own."
  return new PilothouseError('engine_failed', message, { hint, retryable: false })
}
