import { STARTUP_LIMITS } from '../../../src-shared/model/startup.ts'
import { bytesText } from '../../lib/format.ts'

export interface ReadFile {
  readonly path: string
  readonly content: string
}

export interface FilesRead {
  readonly files: ReadFile[]
  /** A sentence for each file that was not taken; it names the file and shows nothing of it. */
  readonly refusals: string[]
}

/**
 * Local files as text, byte for byte, each for a path that begins with its own name. Not more than `room` of them are
 * read, and none that is too long, so that a slip costs no memory.
 */
export async function readFiles(picked: readonly File[], room: number): Promise<FilesRead> {
  const files: ReadFile[] = []
  const refusals: string[] = []
  for (const file of picked.slice(0, room)) {
    const read = await textOf(file)
    if ('refusal' in read) refusals.push(`${file.name} was not added: ${read.refusal}`)
    else files.push({ path: pathFor(file.name), content: read.text })
  }
  const rest = picked.slice(room)
  const most = `at most ${STARTUP_LIMITS.files} files can be handed over.`
  for (const { name } of rest) refusals.push(`${name} was not added: ${most}`)
  return { files, refusals }
}

async function textOf(file: File): Promise<{ text: string } | { refusal: string }> {
  const { fileBytes } = STARTUP_LIMITS
  if (file.size > fileBytes)
    return { refusal: `it is ${bytesText(file.size)}, and a file can be at most ${bytesText(fileBytes)}.` }
  const bytes = await file.arrayBuffer().catch(() => null)
  if (bytes === null) return { refusal: 'it could not be read. Check that it is a file that is still there.' }
  const text = decoded(bytes)
  if (text === null) return { refusal: 'it is not UTF-8 text, and only text can be handed over.' }
  return text.includes('\0') ? { refusal: 'it contains NUL, and only text can be handed over.' } : { text }
}

/** Null for bytes that are not well-formed UTF-8; a byte order mark stays where it is. */
function decoded(bytes: ArrayBuffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return null
  }
}

/** A name as the contract's paths can be; whoever picked it can change it. */
function pathFor(name: string): string {
  return name
    .replace(/[^A-Za-z0-9._-]/g, '_')
    .replace(/^[.-]/, '_')
    .slice(0, 100)
}
