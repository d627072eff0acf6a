import { KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import ssh2 from 'ssh2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { openSshLink } from '../../../src-main/ssh/connect.ts'
import { joinWrites } from '../../../src-main/ssh/open-socket.ts'
import { parseKeysOnce } from '../../../src-main/ssh/parsed-keys.ts'
import { fetchHostKey } from '../../../src-main/ssh/connect.ts'
import { startTinySshServer, type TinySshServer } from '../../support/tiny-ssh-server.ts'

describe('writes of one turn', () => {
  it('arrive together, in order, and before the end', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const accepted = once(server, 'connection') as Promise<[Socket]>
    const socket = joinWrites(connect({ host: '127.0.0.1', port, noDelay: true }))
    const [peer] = await accepted
    const chunks: Buffer[] = []
    peer.on('data', (chunk) => chunks.push(chunk))
    for (const part of ['a', 'b', 'c']) socket.write(part)
    await once(peer, 'data')
    expect(chunks.map(String)).toEqual(['abc'])
    socket.write('d')
    socket.end('e')
    await once(peer, 'end')
    expect(Buffer.concat(chunks).toString()).toBe('abcde')
    server.close()
  })
})

describe('keys', () => {
  let server: TinySshServer
  beforeAll(async () => (server = await startTinySshServer()))
  afterAll(() => server.close())

  it('are parsed once a key exchange, where the library keeps them today', async () => {
    const client = new ssh2.Client()
    parseKeysOnce(client)
    client.on('error', () => undefined)
    client.connect({
      sock: connect({ host: '127.0.0.1', port: server.port, noDelay: true }),
      username: 'nobody',
      authHandler: ['none'],
      hostVerifier: () => true,
    })
    await once(client, 'handshake')
    const { _protocol: protocol } = client as unknown as {
      _protocol: { _cipher: { _encKey: unknown }; _decipher: { _decipherKey: unknown } }
    }
    expect(protocol._cipher._encKey).toBeInstanceOf(KeyObject)
    expect(protocol._decipher._decipherKey).toBeInstanceOf(KeyObject)
    client.destroy()
  })

  it('serve a whole login', async () => {
    const { environment } = server
    const signal = AbortSignal.timeout(10_000)
    const target = server.targetOf('/nowhere')
    const pinnedKey = await fetchHostKey(target, { environment, signal })
    const link = await openSshLink(target, { environment, pinnedKey, signal })
    await expect(link.openUnixSocket('/nowhere/at/all')).rejects.toThrow()
    link.dispose()
    expect((await link.ended).code).toBe('cancelled')
  })
})
