/**
 * Names that a guest chose. What would act on the reader instead of showing is written out: controls, separators of
 * lines, everything that turns the direction of writing or has no width, halves of characters, and the backslash that
 * an escape begins with. So no two names look alike by that, and none reorders what stands beside it.
 */

export interface TextPart {
  readonly text: string
  /** It stands for a character that is not shown itself. */
  readonly isEscape: boolean
}

const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\\]|(?! )\p{Zs}/gu

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r', '\\': '\\\\' }

function escapeOf(character: string): string {
  return SHORT[character] ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}

/** The name in parts, escapes apart, to be drawn differently. */
export function textParts(name: string): TextPart[] {
  const parts: TextPart[] = []
  let from = 0
  for (const match of name.matchAll(HIDDEN)) {
    if (match.index > from) parts.push({ text: name.slice(from, match.index), isEscape: false })
    parts.push({ text: escapeOf(match[0]), isEscape: true })
    from = match.index + match[0].length
  }
  if (from < name.length) parts.push({ text: name.slice(from), isEscape: false })
  return parts
}

/** The same as one text. */
export function visibleText(name: string): string {
  return textParts(name)
    .map(({ text }) => text)
    .join('')
}

/** The last part of a path in a point. */
export function baseName(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}
