import { isActing } from '../../src-shared/lib/acting-characters.ts'

/**
 * A word that a guest may have chosen, as bash and zsh take it for itself: with nothing in it that acts on a terminal
 * or on the reader. That is written as its bytes, which no locale changes.
 */
export function quotedSafely(word: string): string {
  if (!isActing(word)) return quoted(word)
  const escaped = Array.from(word, (character) => {
    if (character === "'" || character === '\\') return `\\${character}`
    return isActing(character) ? bytesOf(character) : character
  })
  return `$'${escaped.join('')}'`
}

function bytesOf(character: string): string {
  const bytes = [...new TextEncoder().encode(character)]
  return bytes.map((byte) => String.raw`\x${byte.toString(16).padStart(2, '0')}`).join('')
}

/** A word as a POSIX shell takes it for itself. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
