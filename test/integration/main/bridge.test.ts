import { createHash, randomBytes, type Hash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { consoleNoticeSchema, decodeConsoleChunk } from '../../../src-shared/contract/console-stream.ts'
import { PilothouseError } from '../../../src-shared/error.ts'
import { commandIdSchema, type HostId } from '../../../src-shared/model/ids.ts'
import { ConsoleBench, context, requestId } from '../../support/console-bench.ts'
import { environmentSample } from '../../support/contract-samples.ts'
import { waitFor } from '../../support/wait-for.ts'

let bench: ConsoleBench

beforeEach(async () => {
  bench = await ConsoleBench.start()
})
afterEach(() => bench.dispose())

describe('the bridge', () => {
  it('repeats a call on its host with the same request id, and brings its answer', async () => {
    const hostId = await bench.connectedHost()
    const list = await bench.client().host.environments.list({}, { context: { requestId, hostId } })
    expect(list.environments).toEqual([environmentSample])
    const passed = bench.daemon.calls.find(({ name }) => name === 'environments.list')
    expect(passed).toMatchObject({ requestId, claimedActor: encodeURIComponent(bench.core.claimedActor) })
  })

  it("brings the daemon's errors as they are", async () => {
    const hostId = await bench.connectedHost()
    bench.daemon.answer('environments.get', () => {
      throw new PilothouseError('not_found', 'There is no environment ghost.', { details: { name: 'ghost' } })
    })
    const call = bench.client().host.environments.get({ environment: 'ghost' }, { context: { requestId, hostId } })
    await expect(call).rejects.toMatchObject({
      code: 'not_found',
      message: 'There is no environment ghost.',
      requestId,
      details: { name: 'ghost' },
    })
  })

  it('aborts on the host what is aborted here', async () => {
    const hostId = await bench.connectedHost()
    const aborted = new Promise<void>((resolve) =>
      bench.daemon.answer(
        'operations.wait',
        (_input, signal) => new Promise(() => signal?.addEventListener('abort', () => resolve())),
      ),
    )
    const abort = new AbortController()
    const call = bench
      .client()
      .host.operations.wait({ id: 'op-00000000000000aa' }, { context: { requestId, hostId }, signal: abort.signal })
    await waitFor('the call to arrive', () => bench.daemon.calls.some(({ name }) => name === 'operations.wait'))
    abort.abort()
    await expect(call).rejects.toMatchObject({ code: 'cancelled' })
    await aborted
  })

  it('passes events through', async () => {
    const hostId = await bench.connectedHost()
    const events = await bench.client().host.events({}, { context: { requestId, hostId } })
    const first = await events.next()
    expect(first.value).toMatchObject({ type: 'snapshot', environments: [environmentSample] })
    await events.return(undefined)
  })

  it('names what is missing', async () => {
    const hostId = await bench.connectedHost()
    const noHost = bench.client().host.environments.list({}, { context })
    await expect(noHost).rejects.toMatchObject({ code: 'invalid_request', requestId })
    const ghost = bench
      .client()
      .host.environments.list({}, { context: { requestId, hostId: 'host-00000000' as HostId } })
    await expect(ghost).rejects.toMatchObject({ code: 'not_found' })
    await bench.client().hosts.disconnect({ hostId }, { context })
    const away = bench.client().host.environments.list({}, { context: { requestId, hostId } })
    await expect(away).rejects.toMatchObject({ code: 'host_unreachable', message: 'lab is not connected.' })
    const badName = bench.client().hosts.add({ name: 'Not A Name', target: bench.sshd.target() }, { context })
    await expect(badName).rejects.toMatchObject({ code: 'invalid_request' })
  })

  it('writes down what changes something, with its outcome', async () => {
    const hostId = await bench.connectedHost()
    const commandId = commandIdSchema.parse('cmd-00000000000000aa')
    const input = { commandId, environment: 'demo' as never }
    await bench.client().host.environments.stop(input, { context: { requestId, hostId } })
    bench.daemon.answer('environments.start', () => {
      throw new PilothouseError('home_gone', 'The home is gone.')
    })
    await expect(bench.client().host.environments.start(input, { context: { requestId, hostId } })).rejects.toThrow()
    await bench.client().host.environments.list({}, { context: { requestId, hostId } })
    const log = bench.core.store.commands.list(10)
    expect(log.map(({ call, outcome }) => [call, outcome])).toEqual([
      ['environments.start', 'home_gone'],
      ['environments.stop', 'accepted'],
    ])
    expect(log[0]).toMatchObject({ requestId, commandId, hostId })
  })

  it('survives what is no message at all', async () => {
    await bench.connectedHost()
    const ours = bench.rpcChannel()
    for (const garbage of ['', 'null', '{', '{"i":1}', '{"i":"1","p":{"u":5}}']) ours.send(garbage)
    ours.send(new Uint8Array([0xff, 0, 1]))
    expect(await bench.client().hosts.list({}, { context })).toHaveLength(1)
  })
})

describe('a console through the bridge', () => {
  it('is byte-exact over three cuts', async () => {
    const hostId = await bench.connectedHost()
    const source = randomBytes(12 * 1024 * 1024)
    bench.daemon.write(source)
    const hash = createHash('sha256')
    let offset = 0
    let rounds = 0
    while (offset < source.length) {
      await bench.reached(hostId, 'connected')
      const cutAt = rounds < 3 ? offset + 2 * 1024 * 1024 : source.length
      offset = await readConsole(hostId, { offset, cutAt }, hash)
      if (rounds++ < 3) {
        expect(await bench.sshd.cut()).toBeGreaterThan(0)
        await waitFor('the cut to be noticed', () => bench.connectionOf(hostId).kind !== 'connected')
      }
    }
    expect(bench.daemon.offsetsAsked).toHaveLength(4)
    expect(hash.digest('hex')).toBe(createHash('sha256').update(source).digest('hex'))
  })

  it('closes with a reason when the host is lost', async () => {
    const hostId = await bench.connectedHost()
    const ours = bench.console(`host=${hostId}&environment=demo`)
    const closed = new Promise<string>((resolve) => ours.onClose(resolve))
    await new Promise<void>((resolve) => ours.onMessage(() => resolve()))
    await bench.sshd.cut()
    expect(await closed).toContain('lost')
  })

  it('carries what is typed', async () => {
    const hostId = await bench.connectedHost()
    const ours = bench.console(`host=${hostId}&environment=demo`)
    await new Promise<void>((resolve) => ours.onMessage(() => resolve()))
    ours.send(new TextEncoder().encode('ls\r'))
    await waitFor('the bytes', () => bench.daemon.typed.length > 0)
    expect(Buffer.concat(bench.daemon.typed).toString()).toBe('ls\r')
    ours.close()
  })

  it.each([
    ['host=host-00000000&environment=demo', 'not_found'],
    ['environment=demo', 'invalid_request'],
    ['host=host-00000000&environment=../etc', 'invalid_request'],
  ])('refuses %s with %s and closes', async (query, code) => {
    const ours = bench.console(query)
    const notice = new Promise<string>((resolve) => ours.onMessage((message) => resolve(message as string)))
    const closed = new Promise<string>((resolve) => ours.onClose(resolve))
    expect(consoleNoticeSchema.parse(JSON.parse(await notice))).toMatchObject({ type: 'error', code })
    expect(await closed).not.toBe('')
  })
})

/** Reads until `cutAt` and acknowledges; answers with the next offset it needs. Later bytes are not counted. */
function readConsole(
  hostId: HostId,
  { offset, cutAt }: { offset: number; cutAt: number },
  hash: Hash,
): Promise<number> {
  const ours = bench.console(`host=${hostId}&environment=demo&offset=${offset}`)
  let next = offset
  return new Promise((resolve, reject) => {
    ours.onMessage((message) => {
      if (typeof message === 'string' || next >= cutAt) return
      const chunk = decodeConsoleChunk(message)
      if (chunk.offset !== next) reject(new Error(`expected ${next}, got ${chunk.offset}`))
      hash.update(chunk.bytes)
      next += chunk.bytes.length
      ours.send(JSON.stringify({ type: 'ack', offset: next }))
      if (next >= cutAt) resolve(next)
    })
  })
}
