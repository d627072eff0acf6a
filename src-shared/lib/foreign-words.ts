import { z } from 'zod'
import { escapeActing, escapeActingInLines } from './acting-characters.ts'

const PLAIN = /^[\x20-\x7e]*$/

/**
 * Words of somebody whom nobody vouches for (a guest's agent, an engine, a name in a home) on one line, what would act
 * on the reader written out. Doing it again changes nothing, so that every place may. A name that must be told from any
 * other one needs more than this: its backslashes stay as they are.
 */
export function visibleWords(text: string): string {
  return PLAIN.test(text) ? text : escapeActing(text)
}

/** At most so many characters; what is left out shows as an ellipsis. */
export function cutWords(text: string, most: number): string {
  if (text.length <= most) return text
  const kept = text.slice(0, Math.max(0, most - 1))
  const isHalf = /[\ud800-\udbff]$/.test(kept)
  return most <= 0 ? '' : `${isHalf ? kept.slice(0, -1) : kept}…`
}

/** Both: visible, and at most `most` characters long. */
export function shownWords(text: string, most: number): string {
  return cutWords(visibleWords(cutWords(text, most)), most)
}

/** The same for what may have several lines, such as the end of a program's output. */
export function shownLines(text: string, most: number): string {
  const cut = cutWords(text, most)
  return PLAIN.test(cut) ? cut : cutWords(escapeActingInLines(cut), most)
}

/** Text that is cut and made visible as it is read or written, and never refused for what is in it. */
export function wordsSchema(most: number): z.ZodString {
  return z.string().overwrite((text) => shownWords(text, most))
}

/** The first `most` of a list, whatever more there is. */
export function firstOf<Item extends z.ZodType>(item: Item, most: number): z.ZodArray<Item> {
  return z.array(item).overwrite((items) => (items.length <= most ? items : items.slice(0, most)))
}

const DEEPEST = 8
const MOST_ENTRIES = 1_000
const KEY_CHARACTERS = 200
/** What an entry costs beside its text. */
const ENTRY_COST = 4

/**
 * Facts beside a message, as JSON has them, in at most about `most` characters all together, and no text longer than a
 * quarter of that: texts are cut and made visible line by line, lists and objects end where there is no more room. Doing
 * it again changes nothing that matters.
 */
export function boundFacts<Facts extends Record<string, unknown>>(facts: Facts, most: number): Facts {
  return boundValue(facts, { left: most, textMost: Math.ceil(most / 4) }, 0) as Facts
}

interface Room {
  left: number
  readonly textMost: number
}

function boundValue(value: unknown, room: Room, depth: number): unknown {
  if (typeof value === 'string') return boundText(value, room)
  if (Array.isArray(value)) return depth > DEEPEST ? [] : boundList(value, room, depth)
  if (!isPlain(value)) return value
  if (depth > DEEPEST) return {}
  const bounded: [string, unknown][] = []
  for (const [key, each] of Object.entries(value).slice(0, MOST_ENTRIES)) {
    if (room.left <= 0) break
    room.left -= ENTRY_COST
    bounded.push([boundText(key, room, KEY_CHARACTERS), boundValue(each, room, depth + 1)])
  }
  return Object.fromEntries(bounded)
}

function boundList(list: readonly unknown[], room: Room, depth: number): unknown[] {
  const bounded: unknown[] = []
  for (const each of list.slice(0, MOST_ENTRIES)) {
    if (room.left <= 0) break
    room.left -= ENTRY_COST
    bounded.push(boundValue(each, room, depth + 1))
  }
  return bounded
}

function boundText(text: string, room: Room, most = room.textMost): string {
  const shown = shownLines(text, Math.max(1, Math.min(most, room.left)))
  room.left -= shown.length
  return shown
}

/** Not what has a class of its own: that is no fact of JSON, and left to whoever made it. */
function isPlain(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}
