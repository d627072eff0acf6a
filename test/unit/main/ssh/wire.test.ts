import { KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ssh2 from 'ssh2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { fetchHostKey, openSshLink } from '../../../../src-main/ssh/connect.ts'
import { gatherCredentials } from '../../../../src-main/ssh/credentials.ts'
import { logIn } from '../../../../src-main/ssh/log-in.ts'
import { joinWrites, openTcp } from '../../../../src-main/ssh/open-socket.ts'
import { parseKeysOnce } from '../../../../src-main/ssh/parsed-keys.ts'
import { resolveTarget } from '../../../../src-main/ssh/resolve-target.ts'
import { startTinySshServer, type TinySshServer } from '../../../support/tiny-ssh-server.ts'
import { waitFor } from '../../../support/wait-for.ts'

const EMPTY = {
  home: '/nonexistent',
  user: 'tester',
  agentSocket: null,
  configFiles: [],
  globalKnownHostsFiles: [],
  variables: {},
}

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

  it('are proved once to whoever watches, however often the two agree on new ones', async () => {
    const { environment } = server
    const signal = AbortSignal.timeout(10_000)
    const resolved = await resolveTarget(server.targetOf('/nowhere'), environment)
    const pinned = await fetchHostKey(server.targetOf('/nowhere'), { environment, signal })
    let proofs = 0
    const client = await logIn(() => openTcp(resolved, signal), resolved, {
      pinned,
      signal,
      onKeyProved: () => proofs++,
    })
    const again = once(client, 'handshake')
    ;(client as unknown as { _protocol: { rekey(): void } })._protocol.rekey()
    await again
    expect(proofs).toBe(1)
    client.destroy()
  })
})

describe('a host that breaks off at once', () => {
  it('is unreachable, in a sentence', async () => {
    const server = createServer((socket) => socket.resetAndDestroy()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as { port: number }
    const attempts = Array.from({ length: 20 }, () =>
      openSshLink(
        { address: '127.0.0.1', port, socketDirectory: '/nowhere' },
        { environment: EMPTY, pinnedKey: null, signal: AbortSignal.timeout(10_000) },
      ).catch((error: unknown) => error),
    )
    for (const error of await Promise.all(attempts)) {
      expect(error).toMatchObject({ code: 'host_unreachable', message: expect.stringMatching(/broke|lost/) as string })
    }
    server.close()
  })
})

describe('an agent that hangs', () => {
  it('is done without', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'pilothouse-agent-'))
    const held: Socket[] = []
    const agent = createServer((socket) => held.push(socket.resume())).listen(join(folder, 'agent'))
    await once(agent, 'listening')
    const target = await resolveTarget(
      { address: '127.0.0.1', socketDirectory: '/nowhere' },
      { ...EMPTY, agentSocket: join(folder, 'agent') },
    )
    const { methods, problems } = await gatherCredentials(target)
    expect(methods).toEqual([])
    expect(problems).toContain('The SSH agent does not answer.')
    await waitFor('the connection to be closed', () => held[0]?.readableEnded)
    agent.close()
    await rm(folder, { recursive: true })
  })
})
