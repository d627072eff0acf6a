import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  escapeActing,
  escapeActingInLines,
  isActing,
  nameParts,
  visibleName,
} from '../../../src-shared/lib/acting-characters.ts'

/** One of every sort, each with how it is written out. */
const ACTING = [
  ['\u001b', String.raw`\u{1b}`],
  ['\u009b', String.raw`\u{9b}`],
  ['\r', String.raw`\r`],
  ['\u202e', String.raw`\u{202e}`],
  ['\u2028', String.raw`\u{2028}`],
  ['\u00ad', String.raw`\u{ad}`],
  ['\u3164', String.raw`\u{3164}`],
  ['\ufe0f', String.raw`\u{fe0f}`],
  ['\ud83d', String.raw`\u{d83d}`],
  ['\u{e0041}', String.raw`\u{e0041}`],
] as const
const ONLY_IN_NAMES = [
  ['\\', '\\\\'],
  ['\u00a0', String.raw`\u{a0}`],
  ['\u3000', String.raw`\u{3000}`],
  ['\ue000', String.raw`\u{e000}`],
  ['\ufffd', String.raw`\u{fffd}`],
] as const
const PLAIN = 'Grüße, 日本 שלום 😀 <b>&amp;'
const anything = fc.string({
  unit: fc.oneof(
    fc.constantFrom(...[...ACTING, ...ONLY_IN_NAMES].map(([character]) => character), '\n', '\t', 'u', '{', '}', 'n'),
    fc.string({ unit: 'binary', maxLength: 1 }),
  ),
})

describe('what acts on the reader', () => {
  it.each(ACTING)('is found and written out: %j', (character, escape) => {
    expect(isActing(`a${character}b`)).toBe(true)
    for (const shown of [escapeActing, escapeActingInLines, visibleName]) {
      expect(shown(`a${character}b${character}`)).toBe(`a${escape}b${escape}`)
    }
  })

  it.each(ONLY_IN_NAMES)('is something else than what a name must not hide: %j', (character, escape) => {
    expect(isActing(character)).toBe(false)
    expect(escapeActing(character)).toBe(character)
    expect(visibleName(`a${character}b`)).toBe(`a${escape}b`)
  })

  it('is nothing that people write', () => {
    expect(isActing(PLAIN)).toBe(false)
    expect([escapeActing(PLAIN), visibleName(PLAIN), nameParts(PLAIN)]).toEqual([
      PLAIN,
      PLAIN,
      [{ text: PLAIN, isEscape: false }],
    ])
  })

  it('is the end of a line only where there is to be one', () => {
    expect(escapeActingInLines('a\n\tb\u0007')).toBe('a\n\tb\\u{7}')
    expect(escapeActing('a\n\tb')).toBe(String.raw`a\n\tb`)
  })

  it('is never left, and written out once', () => {
    fc.assert(
      fc.property(anything, (text) => {
        const shown = escapeActing(text)
        expect([isActing(shown), escapeActing(shown)]).toEqual([false, shown])
        expect(isActing(escapeActingInLines(text).replaceAll(/[\n\t]/g, ''))).toBe(false)
      }),
    )
  })
})

describe('a name', () => {
  it('is in parts what it is as one text, and can be told from every other name', () => {
    fc.assert(
      fc.property(anything, anything, (one, other) => {
        const shown = visibleName(one)
        expect(isActing(shown)).toBe(false)
        expect(
          nameParts(one)
            .map(({ text }) => text)
            .join(''),
        ).toBe(shown)
        expect(shown === visibleName(other)).toBe(one === other)
      }),
    )
  })

  it('has its escapes apart', () => {
    expect(nameParts('a\u202eb')).toEqual([
      { text: 'a', isEscape: false },
      { text: String.raw`\u{202e}`, isEscape: true },
      { text: 'b', isEscape: false },
    ])
  })
})
