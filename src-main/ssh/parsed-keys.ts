import { createSecretKey } from 'node:crypto'
import type { Client } from 'ssh2'

/** Where the SSH library keeps the keys of one direction; which of them it has depends on the cipher. */
const KEY_FIELDS = ['_encKey', '_decipherKey', '_macKey'] as const

type Direction = Partial<Record<(typeof KEY_FIELDS)[number], unknown>>

/**
 * The library makes a cipher for every packet, and the runtime parses a raw key anew each time, at several times the
 * cost of the encryption itself. Hands it keys that are parsed once, after each key exchange. Where the library keeps
 * its keys elsewhere, nothing happens: it is only slower.
 */
export function parseKeysOnce(client: Client): void {
  client.on('handshake', () => {
    const { _protocol: protocol } = client as unknown as { _protocol?: { _cipher?: Direction; _decipher?: Direction } }
    for (const direction of [protocol?._cipher, protocol?._decipher]) {
      for (const field of KEY_FIELDS) {
        const key = direction?.[field]
        if (direction !== undefined && Buffer.isBuffer(key)) direction[field] = createSecretKey(key)
      }
    }
  })
}
