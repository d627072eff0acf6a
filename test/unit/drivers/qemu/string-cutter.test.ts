import { describe, expect, it } from 'vitest'
import { StringCutter } from '../../../../host-daemon/drivers/qemu/string-cutter.ts'
import { SystemRandom } from '../../../../host-daemon/system/random.ts'
import { seededRandom } from '../../../support/seeded-random.ts'

const LIMIT = 8

describe('StringCutter', () => {
  const cut = (text: string, pieces: readonly number[] = []): string => {
    const cutter = new StringCutter(LIMIT)
    let [from, cutText] = [0, '']
    for (const length of [...pieces, text.length]) {
      cutText += cutter.take(text.slice(from, from + length))
      from += length
    }
    return cutText
  }

  it('keeps what is short, and the beginning of what is long, between its quotes', () => {
    expect(cut('{"a": "12345678", "b": 123456789}\n')).toBe('{"a": "12345678", "b": 123456789}\n')
    expect(cut('{"a": "123456789", "b": "x"}\n')).toBe('{"a": "12345678", "b": "x"}\n')
    expect(cut('"123456789"\n"123456789"\n')).toBe('"12345678"\n"12345678"\n')
  })

  it('takes no escaped quote for an end, and leaves no half of it', () => {
    expect(cut(String.raw`"a\"b\\" "`)).toBe(String.raw`"a\"b\\" "`)
    expect(cut(String.raw`"1234567\"9" 1`)).toBe('"1234567" 1')
    expect(cut(String.raw`"123456\"9\"" 1`)).toBe(String.raw`"123456\"" 1`)
    expect(cut(String.raw`"123456789\\" 1`)).toBe('"12345678" 1')
  })

  it('begins anew with each line, whatever was cut off before', () => {
    expect(cut('"123456789\n"12" 3\n')).toBe('"12345678\n"12" 3\n')
    expect(cut('"123456\\\n"12" 3\n')).toBe('"123456\\\n"12" 3\n')
  })

  it('does the same however the text is split', () => {
    const seed = new SystemRandom().fraction() * 2 ** 32
    console.log(`seed ${seed}`)
    const { pick, int } = seededRandom(seed)
    const alphabet = ['"', '"', '\\', 'a', 'b', 'c', '\n', '1234567']
    for (let round = 0; round < 500; round += 1) {
      const text = Array.from({ length: 40 }, () => pick(alphabet)).join('')
      const pieces = Array.from({ length: 10 }, () => int(8))
      expect(cut(text, pieces)).toBe(cut(text))
    }
  })
})
