import type { Socket } from 'node:net'
import { afterEach, describe, expect, it } from 'vitest'
import { AgentClient, AgentRefusal } from '../../../../host-daemon/drivers/qemu/agent-client.ts'
import { LinkLost } from '../../../../host-daemon/drivers/qemu/line-socket.ts'
import { SystemClock } from '../../../../host-daemon/system/clock.ts'
import { startLineServer, type LineServer, type LineServerScript } from '../../../support/line-server.ts'

const SYNC_ID = 1_000_000
const clock = new SystemClock()
interface Request {
  readonly execute: string
  readonly arguments?: { readonly id: number }
}
const parse = (line: string): Request => JSON.parse(line.replaceAll('\u00ff', '')) as Request

describe('AgentClient', () => {
  let server: LineServer | undefined
  afterEach(() => server?.close())

  async function open(script: LineServerScript, timeoutMs = 5_000): Promise<AgentClient> {
    server = await startLineServer(script)
    return await AgentClient.open(server.path, { signal: AbortSignal.timeout(timeoutMs), firstSyncId: SYNC_ID, clock })
  }
  /** What Debian's agent does. */
  function answer(line: string, socket: Socket): void {
    const request = parse(line)
    if (request.execute === 'guest-sync-delimited')
      socket.write(`\u00ff{"return": ${request.arguments!.id}}\n`, 'latin1')
    else if (request.execute === 'guest-ping') socket.write('{"return": {}}\n')
    else socket.write('{"error": {"class": "CommandNotFound", "desc": "no such command"}}\n')
  }

  it('synchronises, with the byte that resets the agent in front, and pings', async () => {
    const agent = await open({ onLine: answer })
    await agent.ping()
    expect(server!.received()).toMatch(/^\u00ff\{"execute":"guest-sync-delimited","arguments":\{"id":1000000\}\}\n/)
    agent.close()
  })

  it('passes over half a line and answers to someone who has left', async () => {
    const agent = await open({
      onConnect: (socket) => socket.write('rn": {}}\n{"return": 41}\n{"ret', 'latin1'),
      onLine: (line, socket) => {
        if (parse(line).execute !== 'guest-sync-delimited') answer(line, socket)
        else socket.write(`\u00ff{"return": ${parse(line).arguments!.id}}\n`, 'latin1')
      },
    })
    await agent.ping()
    agent.close()
  })

  it('reads an answer that arrives byte by byte', async () => {
    const agent = await open({
      onLine: (line, socket) => {
        if (parse(line).execute === 'guest-sync-delimited') answer(line, socket)
        else for (const character of '{"return": {"version": "7.2"}}\n') socket.write(character)
      },
    })
    expect(await agent.execute('guest-info')).toEqual({ version: '7.2' })
    agent.close()
  })

  it('syncs again when the first request was lost, and is not confused by answers to both', async () => {
    const syncs: string[] = []
    const agent = await open({
      onLine: (line, socket) => {
        if (parse(line).execute === 'guest-sync-delimited') syncs.push(line)
        else answer(line, socket)
        if (syncs.length === 2) for (const sync of syncs.splice(0).reverse()) answer(sync, socket)
      },
    })
    await agent.ping()
    expect(server!.received().match(/guest-sync-delimited/g)).toHaveLength(2)
    agent.close()
  })

  it('takes no late word on the byte that resets the agent for an answer to what it asked', async () => {
    const syncs: string[] = []
    const agent = await open({
      onLine: (line, socket) => {
        if (parse(line).execute === 'guest-sync-delimited') syncs.push(line)
        else answer(line, socket)
        if (syncs.length < 2) return
        for (const sync of syncs.splice(0)) {
          socket.write(`{"error": {"class": "GenericError", "desc": "JSON parse error, stray '\ufffd'"}}\n`)
          answer(sync, socket)
        }
      },
    })
    await agent.ping()
    await expect(agent.execute('guest-unknown')).rejects.toThrow('no such command')
    agent.close()
  })

  it('gives up on a silent agent when its signal says so', async () => {
    await expect(open({}, 60)).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  it('says when the agent refuses, and when it is gone', async () => {
    const agent = await open({
      onLine: (line, socket) => (parse(line).execute === 'guest-shutdown' ? socket.destroy() : answer(line, socket)),
    })
    await expect(agent.execute('guest-unknown')).rejects.toBeInstanceOf(AgentRefusal)
    await expect(agent.execute('guest-shutdown')).rejects.toBeInstanceOf(LinkLost)
    await expect(
      AgentClient.open('/nonexistent', { signal: AbortSignal.timeout(500), firstSyncId: 1, clock }),
    ).rejects.toBeInstanceOf(LinkLost)
  })

  it('freezes, thaws, and asks which it is; a count that is none is no answer', async () => {
    const returns: Record<string, string> = {
      'guest-fsfreeze-status': '"frozen"',
      'guest-fsfreeze-freeze': '1',
      'guest-fsfreeze-thaw': '"many"',
    }
    const agent = await open({
      onLine: (line, socket) => {
        const value = returns[parse(line).execute]
        if (value === undefined) answer(line, socket)
        else socket.write(`{"return": ${value}}\n`)
      },
    })
    expect(await agent.freeze()).toBe(1)
    expect(await agent.isFrozen()).toBe(true)
    await expect(agent.thaw()).rejects.toThrow()
    agent.close()
  })

  it('asks in plain ASCII, whatever it asks for', async () => {
    const agent = await open({ onLine: answer })
    await expect(agent.execute('guest-exec', { path: 'ä€𝄞\n"' })).rejects.toBeInstanceOf(AgentRefusal)
    const line = server!.received().split('\n').at(-2) ?? ''
    expect(line).toMatch(/^[\x20-\x7e]+$/)
    expect(JSON.parse(line)).toEqual({ execute: 'guest-exec', arguments: { path: 'ä€𝄞\n"' } })
    agent.close()
  })

  it('reads answers of any length where their strings may be cut, in bounded space', async () => {
    const long = 'x'.repeat(4 * 1024 * 1024)
    server = await startLineServer({
      onLine: (line, socket) => {
        if (parse(line).execute === 'guest-get-long')
          socket.write(`{"return": {"a": "${long}", "b": "${long}", "c": 1}}\n`)
        else answer(line, socket)
      },
    })
    const options = { signal: AbortSignal.timeout(20_000), firstSyncId: SYNC_ID, clock }
    const agent = await AgentClient.open(server.path, { ...options, cutStringsAt: 4096 })
    expect(await agent.execute('guest-get-long')).toEqual({ a: long.slice(0, 4096), b: long.slice(0, 4096), c: 1 })
    agent.close()
    const whole = await AgentClient.open(server.path, options)
    await expect(whole.execute('guest-get-long')).rejects.toBeInstanceOf(LinkLost)
    whole.close()
  })

  it('is not flooded by a hostile guest', async () => {
    const flooding = open({ onConnect: (socket) => socket.write('x'.repeat(2 * 1024 * 1024)) })
    await expect(flooding).rejects.toBeInstanceOf(LinkLost)
  })

  it('is not flooded where strings are cut, either', async () => {
    server = await startLineServer({ onConnect: (socket) => socket.write('"x"'.repeat(1024 * 1024)) })
    const options = { signal: AbortSignal.timeout(20_000), firstSyncId: SYNC_ID, clock, cutStringsAt: 4096 }
    await expect(AgentClient.open(server.path, options)).rejects.toBeInstanceOf(LinkLost)
  })

  it('tells on of what a guest says only a line that can be shown, however much it says', async () => {
    const desc = JSON.stringify('\u001b[2J\u202e'.repeat(10_000))
    const agent = await open({
      onLine: (line, socket) => {
        if (parse(line).execute === 'guest-sync-delimited') answer(line, socket)
        else socket.write(`{"error": {"class": "GenericError", "desc": ${desc.replaceAll('\u202e', '\\u202e')}}}\n`)
      },
    })
    const refusal = await agent.execute('guest-exec').catch((error: unknown) => error)
    expect(refusal).toBeInstanceOf(AgentRefusal)
    const { message } = refusal as AgentRefusal
    expect(message).toContain(String.raw`refused guest-exec: \u{1b}[2J\u{202e}`)
    expect(message.length).toBeLessThan(300)
    expect(message).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    agent.close()
  })
})
