/**
 * Characters that act on a terminal instead of showing: C0 and C1 controls, and the bidirectional overrides. What people
 * write needs the joiners and selectors without a width: in names of guests those are written out too (`visibleName`).
 */
// eslint-disable-next-line no-control-regex -- the control characters are what is being replaced
const ACTING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069\u061c\ufeff]/gu

/** Text that is safe to print: what a daemon said must not drive the reader's terminal. */
export function printable(text: string): string {
  return text.replace(ACTING, '\u{fffd}')
}

/** Columns padded to their widest cell, two spaces apart, no trailing blanks. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const lines = [header, ...rows].map((cells) => cells.map((cell) => printable(cell).replaceAll('\n', ' ')))
  const widths = header.map((_, column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)))
  return lines
    .map((cells) =>
      cells
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** At most `width` characters; what is left out shows as an ellipsis. */
export function clipped(text: string, width: number): string {
  const characters = Array.from(text)
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join('')}…`
}

/** `key  value` lines; absent values are left out. */
export function facts(pairs: readonly (readonly [string, string | null])[]): string {
  const shown = pairs.filter((pair): pair is readonly [string, string] => pair[1] !== null)
  const width = Math.max(0, ...shown.map(([key]) => key.length))
  return shown.map(([key, value]) => `${key.padEnd(width)}  ${printable(value)}`).join('\n')
}

/** Local time with its zone's offset, to the second. */
export function localTime(epochMs: number): string {
  const date = new Date(epochMs)
  const offsetMinutes = -date.getTimezoneOffset()
  const shifted = new Date(epochMs + offsetMinutes * 60_000).toISOString()
  const sign = offsetMinutes < 0 ? '-' : '+'
  const zone = Math.abs(offsetMinutes)
  const pad = (value: number) => String(value).padStart(2, '0')
  return `${shifted.slice(0, 10)} ${shifted.slice(11, 19)} ${sign}${pad(Math.floor(zone / 60))}:${pad(zone % 60)}`
}
