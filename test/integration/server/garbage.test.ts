import { connect, type Socket } from 'node:net'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { WebSocket } from 'ws'
import { ConsoleService } from '../../../host-daemon/consoles/console-service.ts'
import { WebSocketConsoles } from '../../../host-daemon/server/console-endpoint.ts'
import { SystemClock } from '../../../host-daemon/system/clock.ts'
import {
  connectClient,
  dialWebSocket,
  opened,
  REQUEST_ID,
  startEdge,
  temporaryFolder,
  type Edge,
} from '../../support/edge.ts'
import { FakeBoots } from '../../support/fake-boots.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const SEED = 20_260_801

let edge: Edge
let service: ConsoleService
let folder: Awaited<ReturnType<typeof temporaryFolder>>

beforeAll(async () => {
  folder = await temporaryFolder()
  const boots = new FakeBoots(folder.path)
  await boots.start(1, 'journal')
  service = new ConsoleService({ directory: boots, clock: new SystemClock(), recordTyping: () => undefined })
  edge = await startEdge({ consoles: new WebSocketConsoles(service) })
})

afterAll(async () => {
  service.dispose()
  await edge.stop()
  await folder.remove()
})

async function expectAlive(): Promise<void> {
  const { client, socket } = await connectClient(edge.socketOf('viewer'))
  expect((await client.hello(undefined, { context: { requestId: REQUEST_ID } })).role).toBe('viewer')
  socket.close()
}

/** Sends bytes to a role socket as they are and waits for the daemon to be done with them. */
function sendRaw(bytes: Buffer): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(edge.socketOf('viewer'))
    const answer: Buffer[] = []
    socket.on('data', (data) => answer.push(data))
    socket.on('error', () => undefined)
    socket.on('close', () => resolve(Buffer.concat(answer).toString('latin1')))
    socket.end(bytes)
  })
}

describe('garbage', () => {
  const { bytes, int, pick } = seededRandom(SEED)

  it('that is not HTTP is answered as such, and the daemon lives on', async () => {
    for (let round = 0; round < 150; round += 1) await sendRaw(bytes(1 + int(4_000)))
    expect(await sendRaw(Buffer.from('HELO there\r\n\r\n'))).toContain('These bytes are not HTTP')
    const heads = [
      'GET /rpc HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      'GET /rpc HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: fly\r\n\r\n',
      'GET /nowhere HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      'GET http://[ HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      'GET // HTTP/1.1\r\nHost: h\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
      `GET /api/${'x'.repeat(20_000)} HTTP/1.1\r\nHost: h\r\n\r\n`,
      'POST /api/hello HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\n{"a"',
      'POST /api/hello HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n',
      'POST /api/%ff%fe HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
      'POST //api/hello HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n',
    ]
    for (const head of heads) await sendRaw(Buffer.from(head))
    await expectAlive()
  })

  it("in the place of an address is the sender's mistake, and not the daemon's", async () => {
    const upgrade = 'Host: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'
    const key = 'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n'
    expect(await sendRaw(Buffer.from(`GET //[ HTTP/1.1\r\n${upgrade}${key}\r\n`))).toContain('invalid_request')
    await expectAlive()
  })

  it('in frames that are no WebSocket ends that connection, with a reason, and no other', async () => {
    for (let round = 0; round < 100; round += 1) {
      const socket = await opened(
        dialWebSocket(edge.socketOf('viewer'), pick(['/rpc', '/console?environment=env-00000001'])),
      )
      const closed = new Promise<number>((resolve) => socket.once('close', resolve))
      rawSocketOf(socket).end(bytes(1 + int(300)))
      await closed
    }
    await expectAlive()
  })

  it('in messages is answered, message by message', async () => {
    for (let round = 0; round < 20; round += 1) {
      const socket = await opened(dialWebSocket(edge.socketOf('admin'), '/rpc'))
      let answers = 0
      socket.on('message', () => (answers += 1))
      const closed = new Promise((resolve) => socket.once('close', resolve))
      for (let message = 0; message < 40; message += 1) socket.send(pick(MESSAGES)())
      socket.send(JSON.stringify({ i: 'last', p: { u: '/hello' } }))
      await new Promise<void>((resolve) =>
        socket.on('message', (data: Buffer) => (data.toString().includes('"last"') ? resolve() : undefined)),
      )
      expect(answers).toBeGreaterThan(10)
      socket.terminate()
      await closed
    }
    await expectAlive()
  })

  it('to a console is refused and the console goes on', async () => {
    for (let round = 0; round < 20; round += 1) {
      const socket = dialWebSocket(edge.socketOf('operator'), '/console?environment=env-00000001')
      const chunks: Buffer[] = []
      socket.on('message', (data: Buffer, isBinary) => (isBinary ? chunks.push(data) : undefined))
      await opened(socket)
      for (let message = 0; message < 40; message += 1) socket.send(pick(MESSAGES)())
      await expect.poll(() => Buffer.concat(chunks.map((chunk) => chunk.subarray(8))).toString()).toBe('journal')
      socket.terminate()
    }
    await expectAlive()
  })

  it('without end closes the connection at last', async () => {
    const socket = await opened(dialWebSocket(edge.socketOf('viewer'), '/rpc'))
    const closed = new Promise<string>((resolve) => socket.once('close', (_, reason) => resolve(reason.toString())))
    for (let message = 0; message < 200; message += 1) socket.send('{')
    expect(await closed).toBe('too many messages of no protocol')
    await expectAlive()
  })

  const deep = (): string => `${'['.repeat(5_000)}${']'.repeat(5_000)}`
  const MESSAGES: (() => string | Buffer)[] = [
    () => bytes(int(500)),
    () => bytes(int(500)).toString('latin1'),
    () => '',
    () => 'null',
    () => '[]',
    () => '{"i":1}',
    () => '{"i":"x","t":9}',
    () => '{"i":"x","t":3,"p":{"e":"message","d":1}}',
    () => '{"i":"x","t":4}',
    () => '{"i":"x","p":{"u":"hello"}}',
    () => '{"i":"x","p":{"u":"//h:99999999/","b":{}}}',
    () => '{"i":"__proto__","p":{"u":"/hello","b":{"json":{"__proto__":{"a":1}},"meta":[[1,"__proto__"]]}}}',
    () => '{"i":"c","p":{"u":"/constructor"}}',
    () => '{"i":"h","p":{"u":"/hello","h":{"x-request-id":["a"],"content-disposition":"attachment"},"b":7}}',
    () => `{"i":"d","p":{"u":"/environments/get","b":{"json":${deep()}}}}`,
    () => `{"i":"e","p":{"u":"/environments/get","b":{"json":{"environment":"${'\\u0000'.repeat(20)}"}}}}`,
    () => `{"i":"f","p":{"u":"/operations/get","b":{"json":{"id":"op-0123456789abcdef"}}}}`,
    () => '{"type":"ack","offset":-1}',
    () => '{"type":"ack","offset":9007199254740991}',
  ]
})

function rawSocketOf(socket: WebSocket): Socket {
  return (socket as unknown as { _socket: Socket })._socket
}
