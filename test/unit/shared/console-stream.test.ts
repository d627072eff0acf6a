import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  consoleTargetSchema,
  decodeConsoleChunk,
  encodeConsoleChunk,
} from '../../../src-shared/contract/console-stream.ts'

describe('console chunks', () => {
  it('keep offset and bytes', () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.uint8Array({ maxLength: 2_000 }), (offset, bytes) => {
        const chunk = decodeConsoleChunk(encodeConsoleChunk({ offset, bytes }))
        expect(chunk.offset).toBe(offset)
        expect([...chunk.bytes]).toEqual([...bytes])
      }),
    )
  })

  it('decode from inside a larger buffer', () => {
    const frame = encodeConsoleChunk({ offset: 2 ** 40, bytes: new Uint8Array([1, 2, 3]) })
    const larger = new Uint8Array(frame.length + 10)
    larger.set(frame, 5)
    expect(decodeConsoleChunk(larger.subarray(5, 5 + frame.length))).toEqual({
      offset: 2 ** 40,
      bytes: new Uint8Array([1, 2, 3]),
    })
  })

  it('refuse a frame too short to hold an offset', () => {
    expect(() => decodeConsoleChunk(new Uint8Array(7))).toThrow(RangeError)
  })
})

describe('console target', () => {
  it('reads an offset from a query string', () => {
    expect(consoleTargetSchema.parse({ environment: 'web', offset: '4096' }).offset).toBe(4096)
  })

  it.each(['-1', '1.5', 'abc', '1e400', 'NaN'])('refuses the offset %j', (offset) => {
    expect(consoleTargetSchema.safeParse({ environment: 'web', offset }).success).toBe(false)
  })
})
