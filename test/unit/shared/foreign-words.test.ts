import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  boundFailure,
  FAILURE_FACTS_MOST,
  FAILURE_MESSAGE_MOST,
  failureSchema,
  PilothouseError,
} from '../../../src-shared/error.ts'
import {
  boundFacts,
  cutWords,
  shownLines,
  shownWords,
  visibleWords,
  wordsSchema,
} from '../../../src-shared/lib/foreign-words.ts'
import { operationResultSchema } from '../../../src-shared/model/operation-result.ts'

const HIDDEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u
const HOSTILE = 'red\u001b[31m, \u202eturned\u2069, two\r\nlines, \u2028, half \ud83d, nothing \u200b\u00ad'
const hostile = fc.string({
  unit: fc.oneof(fc.constantFrom(...Array.from(HOSTILE)), fc.string({ unit: 'binary', maxLength: 1 })),
})

describe('words of somebody else', () => {
  it('are written out where they would act on the reader, and otherwise left as they are', () => {
    expect(visibleWords('a\u001b[0m \u202eb\n\ud83dc')).toBe(String.raw`a\u{1b}[0m \u{202e}b\n\u{d83d}c`)
    expect(visibleWords('Grüße, C:\\temp, 😀, 1\u00a0000')).toBe('Grüße, C:\\temp, 😀, 1\u00a0000')
    expect(shownLines('two\nlines\u0007', 100)).toBe('two\nlines\\u{7}')
  })

  it('are visible, no longer than they may be, and the same however often that is done', () => {
    fc.assert(
      fc.property(hostile, fc.integer({ min: 1, max: 60 }), (text, most) => {
        const shown = shownWords(text, most)
        expect(shown).not.toMatch(HIDDEN)
        expect(shown.length).toBeLessThanOrEqual(most)
        expect(shownWords(shown, most)).toBe(shown)
        const lines = shownLines(text, most)
        expect(lines.replaceAll(/[\n\t]/g, '')).not.toMatch(HIDDEN)
        expect(lines.length).toBeLessThanOrEqual(most)
        expect(wordsSchema(most).parse(text)).toBe(shown)
      }),
    )
  })

  it('leave no half of a character at the cut', () => {
    expect(cutWords('ab😀cd', 4)).toBe('ab…')
    expect(cutWords('abcd', 4)).toBe('abcd')
    expect(cutWords('abcd', 0)).toBe('')
  })
})

const LONG = `${HOSTILE} `.repeat(20_000)

describe('a failure', () => {
  it('is one line of bounded length, whatever was thrown into it', () => {
    const error = new PilothouseError('engine_failed', LONG, { hint: LONG, details: { stderr: LONG, deep: [[LONG]] } })
    const failure = error.withRequestId('req-00000001').toFailure()
    expect(error.message).not.toMatch(HIDDEN)
    expect(error.message.length).toBeLessThanOrEqual(FAILURE_MESSAGE_MOST)
    expect(JSON.stringify(failure).length).toBeLessThan(2 * FAILURE_MESSAGE_MOST + 2 * FAILURE_FACTS_MOST)
    expect(JSON.stringify(failure).replaceAll(String.raw`\n`, '')).not.toMatch(HIDDEN)
  })

  it('is cut as it is stored and as it is read, never refused', () => {
    const raw = { ...new PilothouseError('drill_failed', 'x').toFailure(), message: LONG, details: { checks: [LONG] } }
    for (const bounded of [boundFailure(raw), failureSchema.parse(raw)]) {
      expect(bounded.message.length).toBeLessThanOrEqual(FAILURE_MESSAGE_MOST)
      expect(JSON.stringify(bounded).length).toBeLessThan(2 * FAILURE_FACTS_MOST)
    }
  })

  it('keeps facts that are within bounds as they are', () => {
    const facts = { a: 1, b: null, c: ['x', { d: true }], text: 'two\nlines' }
    expect(boundFacts(facts, 1_000)).toEqual(facts)
  })

  it('ends lists and objects where there is no more room, however they are nested', () => {
    const nest = (depth: number): unknown => (depth === 0 ? 'end' : { in: nest(depth - 1) })
    const facts = { many: Array.from({ length: 100_000 }, (_, index) => index), nest: nest(1_000) }
    expect(JSON.stringify(boundFacts(facts, 500)).length).toBeLessThan(2_000)
  })
})

describe('the result of an operation', () => {
  const drill = (detail: string) => ({
    kind: 'drill',
    pointId: 'a'.repeat(64),
    isPassed: false,
    checks: Array.from({ length: 1_000 }, () => ({ name: detail, isPassed: false, detail })),
    promotedTo: null,
  })

  it('cuts what was said in checks and findings, and their number', () => {
    const check = { kind: 'check', depth: 'all', isSound: false, findings: Array.from({ length: 1_000 }, () => LONG) }
    for (const raw of [drill(LONG), check]) {
      const text = JSON.stringify(operationResultSchema.parse(raw))
      expect(text.length).toBeLessThan(100_000)
      expect(text).not.toMatch(HIDDEN)
    }
  })
})
