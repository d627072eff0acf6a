import { describe, expect, it } from 'vitest'
import { extractVmlinux } from '../../../host-daemon/images/kernel.ts'
import { decompressLz4Legacy, LZ4_LEGACY_MAGIC } from '../../../host-daemon/images/lz4-legacy.ts'

/** A frame of one block. */
function frame(block: readonly number[]): Buffer {
  const size = Buffer.alloc(4)
  size.writeUInt32LE(block.length)
  return Buffer.concat([LZ4_LEGACY_MAGIC, size, Buffer.from(block)])
}
const ascii = (text: string) => [...Buffer.from(text)]

describe('decompressLz4Legacy', () => {
  it('copies literals and repeats matches, overlapping ones too', () => {
    // "abc", then 9 bytes from 3 back, then "!" alone.
    const block = [0x35, ...ascii('abc'), 3, 0, 0x10, ...ascii('!')]
    expect(decompressLz4Legacy(frame(block)).toString()).toBe('abcabcabcabc!')
  })

  it('reads lengths that go on in further bytes', () => {
    const literals = 'x'.repeat(15 + 255 + 2)
    expect(decompressLz4Legacy(frame([0xf0, 255, 2, ...ascii(literals)])).toString()).toBe(literals)
    // One literal, then 4 + 15 + 6 bytes from 1 back.
    expect(decompressLz4Legacy(frame([0x1f, ...ascii('y'), 1, 0, 6])).toString()).toBe('y'.repeat(26))
  })

  it('ignores what follows the frame', () => {
    const trailing = Buffer.concat([frame([0x20, ...ascii('ok')]), Buffer.from([0xff, 0xff, 0xff, 0x7f, 1, 2, 3])])
    expect(decompressLz4Legacy(trailing).toString()).toBe('ok')
  })

  it('refuses malformed data with a RangeError', () => {
    expect(() => decompressLz4Legacy(Buffer.from('nothing'))).toThrow(RangeError)
    // More literals than there are, a match before the start, a match of distance nought, a cut-off length.
    for (const block of [
      [0x50, 1],
      [0x14, 1, 9, 0],
      [0x14, 1, 0, 0],
      [0xf0, 255],
    ])
      expect(() => decompressLz4Legacy(frame(block))).toThrow(RangeError)
  })
})

describe('extractVmlinux', () => {
  const elf = [0x50, 0x7f, ...ascii('ELF!')]

  it('finds the kernel behind the boot code, past what only looks like one', () => {
    const image = Buffer.concat([Buffer.from('boot code'), LZ4_LEGACY_MAGIC, Buffer.from('noise'), frame(elf)])
    expect(extractVmlinux(image)?.subarray(1).toString()).toBe('ELF!')
  })

  it('says so where there is none', () => {
    expect(extractVmlinux(Buffer.from('packed in another way'))).toBeUndefined()
    expect(extractVmlinux(frame([0x50, ...ascii('other')]))).toBeUndefined()
  })
})
