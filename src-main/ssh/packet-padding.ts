import { randomFillSync } from 'node:crypto'
import type { Client } from 'ssh2'

/** Random bytes asked of the runtime at once; a packet takes 4 to 19 of them, each used once. */
const POOL_BYTES = 4096
/** AES-GCM by RFC 5647: all but the length field is a multiple of this. */
const BLOCK_BYTES = 16
const LENGTH_BYTES = 4
const HEAD_BYTES = LENGTH_BYTES + 1
const LEAST_PADDING_BYTES = 4

const pool = Buffer.allocUnsafe(POOL_BYTES)
let used = POOL_BYTES

function fillRandom(target: Buffer, at: number): void {
  const length = target.length - at
  if (used + length > POOL_BYTES) {
    randomFillSync(pool)
    used = 0
  }
  pool.copy(target, at, used, used + length)
  pool.fill(0, used, used + length)
  used += length
}

/** An SSH packet with room for its payload behind the head, and random padding behind that. */
export function paddedPacket(payloadBytes: number): Buffer {
  const over = (1 + payloadBytes) % BLOCK_BYTES
  const least = BLOCK_BYTES - over
  const padding = least < LEAST_PADDING_BYTES ? least + BLOCK_BYTES : least
  const packet = Buffer.allocUnsafe(HEAD_BYTES + payloadBytes + padding)
  packet.writeUInt32BE(packet.length - LENGTH_BYTES, 0)
  packet[LENGTH_BYTES] = padding
  fillRandom(packet, HEAD_BYTES + payloadBytes)
  return packet
}

/** The library's AES-GCM sender; no other has a field of that name. */
interface GcmSender {
  readonly _encKey?: unknown
  allocPacket?: (payloadBytes: number) => Buffer
}

/**
 * The library asks the runtime for a few random bytes for every packet, at a price that one small call feels. Gives it
 * padding that is fetched in larger pieces, after each key exchange. Other ciphers keep the library's own way.
 */
export function padFromPool(client: Client): void {
  client.on('handshake', () => {
    const { _protocol: protocol } = client as unknown as { _protocol?: { _cipher?: GcmSender } }
    const cipher = protocol?._cipher
    if (cipher?._encKey !== undefined && cipher.allocPacket !== undefined) cipher.allocPacket = paddedPacket
  })
}
