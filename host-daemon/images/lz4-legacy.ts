/** Magic number of the LZ4 "legacy frame", the one the kernel's build uses. */
export const LZ4_LEGACY_MAGIC = Buffer.from([0x02, 0x21, 0x4c, 0x18])

const MAX_BLOCK_BYTES = 8 * 1024 * 1024
const MIN_MATCH = 4
const NIBBLE_MAX = 15
const BYTE_MAX = 255

/**
 * Decompresses the legacy frame at the start of `data`, ignoring what follows it: the kernel appends other bytes.
 * A frame ends where the next block's size cannot be one, or after the first block that is not full. Throws
 * `RangeError` on malformed data; never reads or writes outside its buffers.
 */
export function decompressLz4Legacy(data: Buffer): Buffer {
  if (!data.subarray(0, LZ4_LEGACY_MAGIC.length).equals(LZ4_LEGACY_MAGIC))
    throw new RangeError('not an LZ4 legacy frame')
  const blocks: Buffer[] = []
  let offset = LZ4_LEGACY_MAGIC.length
  while (offset + 4 <= data.length) {
    const bytes = data.readUInt32LE(offset)
    offset += 4
    if (bytes === 0 || offset + bytes > data.length) break
    const block = decompressBlock(data.subarray(offset, offset + bytes))
    blocks.push(block)
    offset += bytes
    if (block.length < MAX_BLOCK_BYTES) break
  }
  return Buffer.concat(blocks)
}

function decompressBlock(source: Buffer): Buffer {
  const output = Buffer.allocUnsafe(MAX_BLOCK_BYTES)
  let read = 0
  let written = 0

  /** A length begins in a nibble and goes on in whole bytes while they are full. */
  const lengthFrom = (nibble: number): number => {
    let length = nibble
    if (nibble !== NIBBLE_MAX) return length
    for (;;) {
      const more = source.readUInt8(read)
      read += 1
      length += more
      if (more !== BYTE_MAX) return length
    }
  }

  while (read < source.length) {
    const token = source.readUInt8(read)
    read += 1
    const literals = lengthFrom(token >> 4)
    if (read + literals > source.length || written + literals > output.length)
      throw new RangeError('LZ4 literals overrun')
    source.copy(output, written, read, read + literals)
    read += literals
    written += literals
    if (read === source.length) break
    const distance = source.readUInt16LE(read)
    read += 2
    const match = lengthFrom(token & NIBBLE_MAX) + MIN_MATCH
    if (distance === 0 || distance > written || written + match > output.length)
      throw new RangeError('LZ4 match overrun')
    copyMatch(output, { from: written - distance, to: written, bytes: match })
    written += match
  }
  return output.subarray(0, written)
}

/** A match may overlap what it writes: its bytes then repeat. */
function copyMatch(buffer: Buffer, { from, to, bytes }: { from: number; to: number; bytes: number }): void {
  const distance = to - from
  if (distance >= bytes) {
    buffer.copyWithin(to, from, from + bytes)
    return
  }
  let copied = 0
  while (copied < bytes) {
    const chunk = Math.min(bytes - copied, distance + copied)
    buffer.copyWithin(to + copied, from, from + chunk)
    copied += chunk
  }
}
