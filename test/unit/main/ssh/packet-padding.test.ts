import { describe, expect, it } from 'vitest'
import { paddedPacket } from '../../../../src-main/ssh/packet-padding.ts'

const LENGTH_BYTES = 4
const BLOCK_BYTES = 16

describe('the padding of an SSH packet', () => {
  it('fills whole blocks behind the length, with at least four bytes, for every payload', () => {
    for (let payload = 0; payload < 3_000; payload += 1) {
      const packet = paddedPacket(payload)
      const padding = packet[LENGTH_BYTES] ?? 0
      expect((packet.length - LENGTH_BYTES) % BLOCK_BYTES).toBe(0)
      expect(packet.readUInt32BE(0)).toBe(packet.length - LENGTH_BYTES)
      expect(packet.length).toBe(LENGTH_BYTES + 1 + payload + padding)
      expect(padding).toBeGreaterThanOrEqual(4)
      expect(padding).toBeLessThan(4 + BLOCK_BYTES)
    }
  })

  it('is never the same twice, over many refills of the pool', () => {
    const seen = new Set<string>()
    for (let index = 0; index < 5_000; index += 1) seen.add(paddedPacket(3).subarray(8).toString('hex'))
    expect(seen.size).toBe(5_000)
  })
})
