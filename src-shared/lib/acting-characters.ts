/**
 * Characters that act on the reader instead of showing: controls, line ends, marks without a width, whatever turns the
 * direction of writing, and halves of characters.
 */
const ACTING = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u
const EVERY = new RegExp(ACTING.source, 'gu')
const EVERY_BUT_LINES = new RegExp(String.raw`(?![\n\t])${ACTING.source}`, 'gu')

/**
 * In a name also what cannot be told from something else: the backslash, which an escape begins with, other spaces than
 * the plain one, characters for private use, and the one that stands for what could not be read.
 */
const IN_NAMES = new RegExp(String.raw`${ACTING.source}|[\\\p{Co}\u{fffd}]|(?! )\p{Zs}`, 'gu')

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t', '\r': '\\r', '\\': '\\\\' }

function escapeOf(character: string): string {
  return SHORT[character] ?? `\\u{${(character.codePointAt(0) ?? 0).toString(16)}}`
}

/** Whether anything in it acts on the reader. */
export function isActing(text: string): boolean {
  return ACTING.test(text)
}

/** What would act written out. Doing it again changes nothing: backslashes stay as they are. */
export function escapeActing(text: string): string {
  return text.replace(EVERY, escapeOf)
}

/** The same for what may have several lines: their ends stay, and so do tabs. */
export function escapeActingInLines(text: string): string {
  return text.replace(EVERY_BUT_LINES, escapeOf)
}

export interface NamePart {
  readonly text: string
  /** It stands for a character that is not shown itself. */
  readonly isEscape: boolean
}

/**
 * A name that a guest or an engine chose, in parts, escapes apart. No two names are the same when shown so, none looks
 * like another by what it hides, and none reorders what stands beside it.
 */
export function nameParts(name: string): NamePart[] {
  const parts: NamePart[] = []
  let from = 0
  for (const match of name.matchAll(IN_NAMES)) {
    if (match.index > from) parts.push({ text: name.slice(from, match.index), isEscape: false })
    parts.push({ text: escapeOf(match[0]), isEscape: true })
    from = match.index + match[0].length
  }
  if (from < name.length) parts.push({ text: name.slice(from), isEscape: false })
  return parts
}

/** The same as one text, on one line. */
export function visibleName(name: string): string {
  return name.replace(IN_NAMES, escapeOf)
}
