import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  ageText,
  bytesText,
  durationText,
  elapsedText,
  plural,
  shownText,
  spanText,
} from '../../../src-renderer/lib/format.ts'

describe('ages and durations', () => {
  it.each([
    [-5, 'now'],
    [0, 'now'],
    [999, 'now'],
    [1000, '1 s ago'],
    [59_999, '59 s ago'],
    [60_000, '1 min ago'],
    [3_599_999, '59 min ago'],
    [3_600_000, '1 h ago'],
    [86_400_000, '1 d ago'],
  ])('says an age of %i ms as %s', (ms, text) => {
    expect(ageText(ms)).toBe(text)
  })

  it.each([
    [-1, '0:00'],
    [7_900, '0:07'],
    [61_000, '1:01'],
    [3_723_000, '1:02:03'],
  ])('shows %i ms on the stopwatch as %s', (ms, text) => {
    expect(elapsedText(ms)).toBe(text)
  })

  it.each([
    [840, '840 ms'],
    [4_230, '4.2 s'],
    [185_000, '3:05'],
  ])('says that %i ms took %s', (ms, text) => {
    expect(durationText(ms)).toBe(text)
  })

  it('never runs backwards', () => {
    const seconds = (text: string): number => text.split(':').reduce((sum, part) => sum * 60 + Number(part), 0)
    fc.assert(
      fc.property(fc.nat(10 ** 9), fc.nat(10 ** 6), (at, more) => {
        expect(seconds(elapsedText(at + more))).toBeGreaterThanOrEqual(seconds(elapsedText(at)))
      }),
    )
  })

  it('never says a negative span', () => {
    expect(spanText(-10_000)).toBe('0 s')
  })
})

describe('sizes and counts', () => {
  it.each([
    [0, '0 B'],
    [1023, '1023 B'],
    [1024, '1 KiB'],
    [4_299_162, '4.1 MiB'],
    [2 ** 31, '2 GiB'],
    [2 ** 50, '1024 TiB'],
  ])('says %i bytes as %s', (bytes, text) => {
    expect(bytesText(bytes)).toBe(text)
  })

  it('counts one and many', () => {
    expect(plural(1, 'host')).toBe('1 host')
    expect(plural(10_412, 'host')).toBe('10,412 hosts')
  })

  it('says how many of how many are shown, and only how many when that is all', () => {
    expect(shownText(12, 12, 'host')).toBe('12 hosts')
    expect(shownText(3, 10_412, 'host')).toBe('3 of 10,412 shown')
    expect(shownText(0, 1, 'host')).toBe('0 of 1 shown')
  })
})
