/** Acts on whoever reads it, or on the terminal that it is pasted into, instead of showing. */
const ACTING = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u

/**
 * A word that a guest may have chosen, as bash and zsh take it for itself: with nothing in it that acts on a terminal
 * or on the reader.
 */
export function quotedSafely(word: string): string {
  if (!ACTING.test(word)) return quoted(word)
  const escaped = Array.from(word, (character) => {
    if (character === "'" || character === '\\') return `\\${character}`
    const code = character.codePointAt(0) ?? 0
    return ACTING.test(character) ? `\\U${code.toString(16).padStart(8, '0')}` : character
  })
  return `$'${escaped.join('')}'`
}

/** A word as a POSIX shell takes it for itself. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
