import { afterEach, describe, expect, it } from 'vitest'
import {
  connectClient,
  nextMessage,
  openWebSocket,
  closeOf,
  REQUEST_ID,
  startEdge,
  until,
  type Edge,
} from '../../support/edge.ts'
import { infoFor } from '../../support/test-router.ts'
import { claimedActorSchema } from '../../../src-shared/model/ids.ts'

let edge: Edge
afterEach(async () => {
  await edge.stop()
})

const context = { requestId: REQUEST_ID }

interface WireAnswer {
  i: string | null
  p: {
    s?: number
    b: { json: { code?: string; message?: string; data?: { hint: string; retryable: boolean; requestId: string } } }
  }
}

function parse(data: Buffer): WireAnswer {
  return JSON.parse(data.toString()) as WireAnswer
}

async function ask(socketPath: string, message: string | Buffer): Promise<WireAnswer> {
  const socket = await openWebSocket(socketPath, '/rpc')
  const answer = nextMessage(socket)
  socket.send(message)
  const parsed = parse(await answer)
  // The connection goes on after every refusal.
  const next = nextMessage(socket, (data) => parse(data).i === 'after')
  socket.send(JSON.stringify({ i: 'after', p: { u: '/hello' } }))
  expect(parse(await next).p.s).toBeUndefined()
  socket.close()
  return parsed
}

function call(path: string, json: unknown, id = '1'): string {
  return JSON.stringify({ i: id, p: { u: path, b: { json }, h: { 'x-request-id': REQUEST_ID } } })
}

describe('calls over a role socket', () => {
  it('tells each caller its role and the user that the kernel names', async () => {
    edge = await startEdge()
    for (const role of ['viewer', 'operator', 'admin'] as const) {
      const { client, socket } = await connectClient(edge.socketOf(role))
      const info = await client.hello(undefined, { context })
      expect(info).toMatchObject({ role, uid: process.getuid?.(), user: 'root' })
      socket.close()
    }
  })

  it('binds what a message says of itself as a claim, per message, and logs one line a call', async () => {
    const seen: unknown[] = []
    edge = await startEdge({
      handlers: {
        hello: (caller) => {
          seen.push(caller.actor.claimedActor)
          return infoFor(caller)
        },
      },
    })
    const { client, socket } = await connectClient(edge.socketOf('viewer'))
    const claimedActor = claimedActorSchema.parse('zoë@desk-1')
    await client.hello(undefined, { context: { ...context, claimedActor } })
    await client.hello(undefined, { context })
    expect(seen).toEqual(['zoë@desk-1', null])
    const lines = edge.log.lines.filter((line) => line['call'] === 'hello')
    expect(lines).toHaveLength(2)
    expect(lines[0]).toMatchObject({ requestId: REQUEST_ID, role: 'viewer', user: 'root', code: 'ok' })
    socket.close()
  })

  it('refuses a call above the role before looking at its input', async () => {
    edge = await startEdge()
    const answer = await ask(edge.socketOf('viewer'), call('/environments/spawn', { nonsense: true }))
    expect(answer.p.s).toBe(403)
    expect(answer.p.b.json.code).toBe('forbidden')
    expect(answer.p.b.json.message).toContain('operator')
    expect(answer.p.b.json.data).toMatchObject({ requestId: REQUEST_ID, retryable: false })
  })

  it('answers an unknown call with not_found and all of its data', async () => {
    edge = await startEdge()
    for (const path of ['/environments/fly', '/', '/__proto__', '/hello/more', '/%00']) {
      const answer = await ask(edge.socketOf('admin'), call(path, {}))
      expect(answer).toMatchObject({
        i: '1',
        p: { s: 404, b: { json: { code: 'not_found', data: { requestId: REQUEST_ID } } } },
      })
      expect(answer.p.b.json.data?.hint).not.toBe('')
    }
  })

  it('names the field of the wrong type', async () => {
    edge = await startEdge()
    const answer = await ask(edge.socketOf('viewer'), call('/environments/get', { environment: 7 }))
    expect(answer.p.b.json).toMatchObject({ code: 'invalid_request', status: 400 })
    expect(answer.p.b.json.message).toContain('environment: ')
  })

  it('answers input that is no input with invalid_request', async () => {
    edge = await startEdge()
    const meta = JSON.stringify({ i: '1', p: { u: '/hello', b: { json: {}, meta: [[1, '__proto__', 'x']] } } })
    const answer = await ask(edge.socketOf('viewer'), meta)
    expect(answer.p.b.json.code).toBe('invalid_request')
  })

  it('turns an unexpected failure into internal without a word of the inside', async () => {
    edge = await startEdge()
    const answer = await ask(edge.socketOf('admin'), call('/operations/get', { id: 'op-0123456789abcdef' }))
    expect(answer.p.b.json.code).toBe('internal')
    expect(JSON.stringify(answer)).not.toContain('secret')
    expect(JSON.stringify(answer)).not.toContain('.ts')
    await until(() => edge.log.lines.some((line) => JSON.stringify(line).includes('a secret of the inside')))
  })

  it('streams events and ends them when the caller gives up', async () => {
    edge = await startEdge()
    const { client, socket } = await connectClient(edge.socketOf('viewer'))
    const iterator = await client.events(undefined, { context })
    const types: string[] = []
    for await (const event of iterator) {
      types.push(event.type)
      if (types.length === 3) break
    }
    expect(types).toEqual(['reset', 'confirmed', 'confirmed'])
    socket.close()
  })
})

describe('limits', () => {
  it('answers input above 1 MiB with input_too_large under its own id, and closes above 4 MiB saying why', async () => {
    edge = await startEdge()
    const big = (bytes: number): string => call('/environments/get', { environment: 'x'.repeat(bytes) }, 'big')
    for (const bytes of [1024 * 1024 + 1, 3 * 1024 * 1024]) {
      const answer = await ask(edge.socketOf('viewer'), big(bytes))
      expect(answer).toMatchObject({
        i: 'big',
        p: { s: 413, b: { json: { code: 'input_too_large', data: { requestId: REQUEST_ID } } } },
      })
    }
    const fitting = await ask(edge.socketOf('viewer'), big(1024 * 1024 - 100))
    expect(fitting.p.b.json.code).toBe('invalid_request')
    const socket = await openWebSocket(edge.socketOf('viewer'), '/rpc')
    const closed = closeOf(socket)
    socket.send(big(4 * 1024 * 1024))
    expect(await closed).toEqual({ code: 1009, reason: 'a message may hold at most 4 MiB' })
  })

  it('refuses the call that is one too many, and takes calls again when others are done', async () => {
    const aborted: unknown[] = []
    edge = await startEdge({
      limits: { maxCallsPerConnection: 3 },
      handlers: {
        wait: (signal) =>
          new Promise((_, reject) =>
            signal?.addEventListener('abort', () => {
              aborted.push(1)
              reject(signal.reason as Error)
            }),
          ),
      },
    })
    const socket = await openWebSocket(edge.socketOf('viewer'), '/rpc')
    for (const id of ['a', 'b', 'c']) socket.send(call('/operations/wait', { id: 'op-0123456789abcdef' }, id))
    const refused = nextMessage(socket)
    socket.send(call('/hello', {}, 'd'))
    expect(parse(await refused)).toMatchObject({ i: 'd', p: { b: { json: { code: 'host_limit_reached' } } } })
    socket.send(JSON.stringify({ i: 'a', t: 4 }))
    await until(() => aborted.length === 1)
    const answer = nextMessage(socket, (data) => parse(data).i === 'e')
    await until(() => {
      socket.send(call('/hello', {}, 'e'))
      return true
    })
    expect(parse(await answer).i).toBe('e')
    socket.close()
    await until(() => aborted.length === 3)
  })

  it('refuses the connection that is one too many', async () => {
    edge = await startEdge({ limits: { maxConnections: 2 } })
    const open = [
      await openWebSocket(edge.socketOf('viewer'), '/rpc'),
      await openWebSocket(edge.socketOf('viewer'), '/rpc'),
    ]
    await expect(openWebSocket(edge.socketOf('viewer'), '/rpc')).rejects.toThrow('503')
    open[0]?.close()
    await until(async () => (await openWebSocket(edge.socketOf('viewer'), '/rpc').catch(() => undefined)) !== undefined)
  })

  it('cuts off a peer that does not answer pings', async () => {
    edge = await startEdge({ deadlines: { peerSilentMs: 100 } })
    const socket = await openWebSocket(edge.socketOf('viewer'), '/rpc')
    const closed = closeOf(socket)
    socket.pong = () => undefined
    expect((await closed).code).toBe(1006)
  })
})
