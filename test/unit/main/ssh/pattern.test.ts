import fc from 'fast-check'
import { expect, it } from 'vitest'
import { matchesPattern, matchesPatternList } from '../../../../src-main/ssh/pattern.ts'

/** The same language as a regular expression; slow, and obviously right. */
function reference(pattern: string, text: string): boolean {
  const source = Array.from(pattern, (c) =>
    c === '*' ? '.*' : c === '?' ? '.' : c.replace(/[\\^$.|+()[\]{}]/g, '\\$&'),
  )
  return new RegExp(`^${source.join('')}$`, 'is').test(text)
}

const letters = fc.string({ unit: fc.constantFrom('a', 'b', '.', '-'), maxLength: 8 })
const patterns = fc.string({ unit: fc.constantFrom('a', 'b', '.', '*', '?'), maxLength: 8 })

it('agrees with the language it stands for', () => {
  fc.assert(
    fc.property(patterns, letters, (pattern, text) => matchesPattern(pattern, text) === reference(pattern, text)),
  )
})

it('takes no exponential time', () => {
  const startedAt = performance.now()
  expect(matchesPattern(`${'a*'.repeat(200)}b`, 'a'.repeat(5_000))).toBe(false)
  expect(performance.now() - startedAt).toBeLessThan(2_000)
})

it('lets a refusal win wherever it stands', () => {
  expect(matchesPatternList(['*', '!lab'], 'lab')).toBe(false)
  expect(matchesPatternList(['!lab', '*'], 'lab')).toBe(false)
  expect(matchesPatternList(['!lab', '*'], 'labs')).toBe(true)
  expect(matchesPatternList([], 'lab')).toBe(false)
})
