import { createHash, randomBytes } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { CONSOLE_WINDOW_BYTES } from '../../../src-shared/contract/console-stream.ts'
import { ConsoleService } from '../../../host-daemon/consoles/console-service.ts'
import type { TypingEvent } from '../../../host-daemon/consoles/typing-leases.ts'
import { WebSocketConsoles } from '../../../host-daemon/server/console-endpoint.ts'
import { SystemClock } from '../../../host-daemon/system/clock.ts'
import { ConsoleClient } from '../../support/console-client.ts'
import { connectClient, REQUEST_ID, startEdge, temporaryFolder, until, type Edge } from '../../support/edge.ts'
import { FakeBoots } from '../../support/fake-boots.ts'

let edge: Edge
let boots: FakeBoots
let service: ConsoleService
let typing: TypingEvent[]
let folder: Awaited<ReturnType<typeof temporaryFolder>>

beforeEach(async () => {
  folder = await temporaryFolder()
  boots = new FakeBoots(folder.path)
  typing = []
  service = new ConsoleService({
    directory: boots,
    clock: new SystemClock(),
    recordTyping: (event) => typing.push(event),
  })
  edge = await startEdge({ consoles: new WebSocketConsoles(service) })
})

afterEach(async () => {
  service.dispose()
  await edge.stop()
  await folder.remove()
})

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')

describe('the console stream', () => {
  it('serves what is there, follows what comes, and ends with the boot', async () => {
    const boot = await boots.start(1, 'hello ')
    const client = await ConsoleClient.open(edge.socketOf('viewer'))
    await boots.write(boot, 'world')
    await until(() => client.bytes.toString() === 'hello world')
    boots.end(boot.bootId)
    expect(await client.notice('ended')).toEqual({ type: 'ended', endOffset: 11 })
    await boots.start(2)
    expect((await client.notice('opened')).boot).toMatchObject({ ordinal: 1, endOffset: 6 })
    boots.end(boot.bootId)
    expect((await client.notice('next-boot')).boot.ordinal).toBe(2)
    client.close()
  })

  it('shows new bytes within a moment of their being written', async () => {
    const boot = await boots.start(1)
    const client = await ConsoleClient.open(edge.socketOf('viewer'))
    await client.notice('opened')
    const startedAt = performance.now()
    await boots.write(boot, 'x')
    await until(() => client.offset === 1)
    expect(performance.now() - startedAt).toBeLessThan(200)
    client.close()
  })

  it('serves ended boots by their id, and the newest without one', async () => {
    await boots.start(1, 'first')
    boots.end((await boots.start(1, 'first')).bootId)
    const second = await boots.start(2, 'second')
    const newest = await ConsoleClient.open(edge.socketOf('viewer'))
    await until(() => newest.bytes.toString() === 'second')
    const old = await ConsoleClient.open(edge.socketOf('viewer'), { bootId: 'boot-0000000000000001', offset: 2 })
    await until(() => old.bytes.toString() === 'rst')
    expect((await old.notice('next-boot')).boot.bootId).toBe(second.bootId)
    newest.close()
    old.close()
  })

  it('says why it does not open', async () => {
    await boots.start(1, 'abc')
    const refusals = {
      '/console?environment=env-00000009': 'not_found',
      '/console?environment=../etc': 'invalid_request',
      '/console': 'invalid_request',
      '/console?environment=env-00000001&bootId=boot-00000000000000ff': 'not_found',
      '/console?environment=env-00000001&offset=4': 'invalid_request',
      '/console?environment=env-00000001&offset=-1': 'invalid_request',
      '/console?environment=env-00000001&offset=1e999': 'invalid_request',
    }
    for (const [path, code] of Object.entries(refusals)) {
      const query = Object.fromEntries(new URL(path, 'http://h').searchParams)
      const client = await ConsoleClient.open(edge.socketOf('viewer'), { environment: '', ...query })
      expect(await client.notice('error')).toMatchObject({ code })
      await until(() => client.closed !== undefined)
      expect(client.closed?.code).toBe(1008)
    }
  })

  it('has the same bytes on both ends whatever is written, acknowledged, cut and resumed', async () => {
    const boot = await boots.start(1)
    const source = createHash('sha256')
    const received = createHash('sha256')
    let written = 0
    let offset = 0
    let client = await ConsoleClient.open(edge.socketOf('viewer'), { offset })
    let seed = 12_345
    const random = (below: number): number => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
      return seed % below
    }
    for (let round = 0; round < 300; round += 1) {
      const bytes = randomBytes(random(4) === 0 ? random(900_000) : random(2_000))
      await boots.write(boot, bytes)
      source.update(bytes)
      written += bytes.length
      client.isAcking = random(3) !== 0
      if (client.isAcking) client.ack()
      if (random(10) === 0) {
        client.close()
        for (const chunk of client.chunks) received.update(chunk)
        expect(client.jumps).toEqual([])
        offset = client.offset
        client = await ConsoleClient.open(edge.socketOf('viewer'), { offset })
      }
    }
    client.isAcking = true
    client.ack()
    await until(() => client.offset === written, 20_000)
    for (const chunk of client.chunks) received.update(chunk)
    expect(received.digest('hex')).toBe(source.digest('hex'))
    client.close()
  })

  it('sends no more than the window to a viewer that does not acknowledge, and goes on when it does', async () => {
    const content = randomBytes(8 * 1024 * 1024)
    await boots.start(1, content)
    const lazy = await ConsoleClient.open(edge.socketOf('viewer'))
    lazy.isAcking = false
    const other = await ConsoleClient.open(edge.socketOf('viewer'))
    await until(() => other.offset === content.length)
    expect(other.sha256).toBe(sha256(content))
    expect(lazy.offset).toBe(CONSOLE_WINDOW_BYTES)
    lazy.isAcking = true
    lazy.ack()
    await until(() => lazy.offset === content.length)
    expect(lazy.sha256).toBe(sha256(content))
    lazy.close()
    other.close()
  })

  it('holds little for a viewer that acknowledges what it does not read', async () => {
    const content = Buffer.alloc(256 * 1024 * 1024, 'flood')
    await boots.start(1, content)
    const client = await ConsoleClient.open(edge.socketOf('viewer'))
    client.isAcking = false
    await client.notice('opened')
    client.socket.pause()
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    for (let offset = 0; offset < 64 * 1024 * 1024; offset += 64 * 1024) {
      client.request({ type: 'ack', offset })
      if (offset % (1024 * 1024) === 0) await new Promise((resolve) => setImmediate(resolve))
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }
    expect(most).toBeLessThan(32 * 1024 * 1024)
    client.close()
    const { client: other, socket } = await connectClient(edge.socketOf('viewer'))
    expect((await other.hello(undefined, { context: { requestId: REQUEST_ID } })).role).toBe('viewer')
    socket.close()
  })

  it('refuses an acknowledgement of what was never sent, and goes on', async () => {
    await boots.start(1, 'abc')
    const client = await ConsoleClient.open(edge.socketOf('viewer'))
    client.request({ type: 'ack', offset: 1_000_000 })
    expect(await client.notice('error')).toMatchObject({ code: 'invalid_request' })
    await until(() => client.offset === 3)
    client.close()
  })

  it('answers other calls promptly while viewers are flooded', async () => {
    await boots.start(1, Buffer.alloc(200 * 1024 * 1024, 'flood'))
    const viewers = await Promise.all([1, 2].map(() => ConsoleClient.open(edge.socketOf('viewer'))))
    const { client, socket } = await connectClient(edge.socketOf('viewer'))
    const waits: number[] = []
    for (let call = 0; call < 50; call += 1) {
      const startedAt = performance.now()
      await client.hello(undefined, { context: { requestId: REQUEST_ID } })
      waits.push(performance.now() - startedAt)
    }
    expect(waits.sort((a, b) => a - b)[25]).toBeLessThan(100)
    for (const viewer of viewers) viewer.close()
    socket.close()
  })
})

describe('typing', () => {
  it('is for operators, one at a time, taken over visibly and on record', async () => {
    await boots.start(1)
    const viewer = await ConsoleClient.open(edge.socketOf('viewer'))
    const one = await ConsoleClient.open(edge.socketOf('operator'), {}, { 'x-claimed-actor': 'one%40desk' })
    const two = await ConsoleClient.open(edge.socketOf('admin'))
    for (const client of [viewer, one, two]) await client.notice('opened')

    viewer.request({ type: 'claim-typing', takeOver: true })
    expect(await viewer.notice('error')).toMatchObject({ code: 'forbidden', retryable: false })
    viewer.type('x')
    expect(await viewer.notice('error', 2)).toMatchObject({ code: 'forbidden' })

    one.type('too early')
    expect(await one.notice('error')).toMatchObject({ code: 'typing_held' })
    one.request({ type: 'claim-typing', takeOver: false })
    expect((await one.notice('lease')).lease).toMatchObject({ isMine: true, holder: { claimedActor: 'one@desk' } })
    one.type('ls\n')
    await until(() => Buffer.concat(boots.typed).toString() === 'ls\n')

    two.request({ type: 'claim-typing', takeOver: false })
    expect(await two.notice('error')).toMatchObject({ code: 'typing_held', details: { holder: { role: 'operator' } } })
    two.request({ type: 'claim-typing', takeOver: true })
    expect((await one.notice('lease', 2)).lease).toMatchObject({ isMine: false, holder: { role: 'admin' } })
    one.type('lost')
    expect(await one.notice('error', 2)).toMatchObject({ code: 'typing_held' })
    two.type('whoami\n')
    await until(() => Buffer.concat(boots.typed).toString() === 'ls\nwhoami\n')
    expect(boots.inputsOpened).toBe(1)

    two.close()
    expect((await viewer.notice('lease', 3)).lease).toEqual({ holder: null, since: null, isMine: false })
    expect(typing.map((event) => event.kind)).toEqual(['claimed', 'taken_over', 'released'])
    expect(typing[1]).toMatchObject({ actor: { role: 'admin' }, from: { role: 'operator' } })
    viewer.close()
    one.close()
  })

  it('ends with the boot', async () => {
    const boot = await boots.start(1)
    const client = await ConsoleClient.open(edge.socketOf('operator'))
    client.request({ type: 'claim-typing', takeOver: false })
    await client.notice('lease')
    boots.end(boot.bootId)
    expect((await client.notice('lease', 2)).lease.holder).toBeNull()
    client.request({ type: 'claim-typing', takeOver: false })
    expect(await client.notice('error')).toMatchObject({ code: 'guest_gone' })
    client.close()
  })

  it('refuses too much at once, and what is no request', async () => {
    await boots.start(1)
    const client = await ConsoleClient.open(edge.socketOf('operator'))
    client.request({ type: 'claim-typing', takeOver: false })
    await client.notice('lease')
    client.type(Buffer.alloc(64 * 1024 + 1))
    expect(await client.notice('error')).toMatchObject({ code: 'input_too_large' })
    for (const text of ['{', '[]', '{"type":"fly"}', '{"type":"ack","offset":-1}', '{"type":"ack","offset":1e400}'])
      client.socket.send(text)
    expect(await client.notice('error', 6)).toMatchObject({ code: 'invalid_request' })
    client.type('still here')
    await until(() => Buffer.concat(boots.typed).toString() === 'still here')
    client.close()
  })
})
