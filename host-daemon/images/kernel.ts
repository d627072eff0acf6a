import { decompressLz4Legacy, LZ4_LEGACY_MAGIC } from './lz4-legacy.ts'

const ELF_MAGIC = Buffer.from([0x7f, 0x45, 0x4c, 0x46])

/**
 * The uncompressed kernel inside a bzImage, which boots a quarter of a second sooner under emulation than one that
 * unpacks itself. Undefined where this kernel is packed in another way; the bzImage itself boots everywhere.
 */
export function extractVmlinux(bzImage: Buffer): Buffer | undefined {
  let offset = bzImage.indexOf(LZ4_LEGACY_MAGIC)
  while (offset !== -1) {
    const kernel = tryDecompress(bzImage.subarray(offset))
    if (kernel?.subarray(0, ELF_MAGIC.length).equals(ELF_MAGIC) === true) return kernel
    offset = bzImage.indexOf(LZ4_LEGACY_MAGIC, offset + 1)
  }
  return undefined
}

function tryDecompress(data: Buffer): Buffer | undefined {
  try {
    return decompressLz4Legacy(data)
  } catch (error) {
    if (error instanceof RangeError) return undefined
    throw error
  }
}
