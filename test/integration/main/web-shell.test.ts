import { once } from 'node:events'
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { request, type IncomingMessage } from 'node:http'
import { networkInterfaces, tmpdir } from 'node:os'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { createBridge } from '../../../src-main/bridge/bridge.ts'
import { createConsoleCore, type ConsoleCore } from '../../../src-main/index.ts'
import { channelClient } from '../../../src-main/lib/rpc-channel.ts'
import { webSocketChannel } from '../../../src-main/lib/web-socket-channel.ts'
import { startWebServer, type WebServer } from '../../../src-main/shell/web/server.ts'
import { appContract } from '../../../src-shared/contract/app.ts'
import { context } from '../../support/console-bench.ts'

const TOKEN = 'ab'.repeat(32)
let folder: string
let core: ConsoleCore
let server: WebServer
let port: number
let host: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilothouse-web-'))
  const root = join(folder, 'renderer')
  await mkdir(join(root, 'assets'), { recursive: true })
  await writeFile(join(root, 'index.html'), '<!doctype html><title>Pilothouse</title>')
  await writeFile(join(root, 'assets', 'index.js'), 'export {}')
  await writeFile(join(root, '.hidden.html'), 'hidden')
  await writeFile(join(folder, 'secret.html'), 'secret')
  await symlink(join(folder, 'secret.html'), join(root, 'link.html'))
  core = createConsoleCore({ dataDirectory: ':memory:', shell: 'web', version: '0.0.0' })
  server = await startWebServer(createBridge(core), { root, port: 0, token: TOKEN })
  port = Number(new URL(server.address).port)
  host = `127.0.0.1:${port}`
})
afterEach(async () => {
  await server.close()
  core.dispose()
  await rm(folder, { recursive: true, force: true })
})

interface Asked {
  readonly path: string
  readonly method?: string
  readonly headers?: Record<string, string>
}

async function ask({ path, method = 'GET', headers = {} }: Asked) {
  const outgoing = request({ host: '127.0.0.1', port, path, method, headers }).end()
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage]
  let body = ''
  for await (const part of response) body += String(part)
  return { status: response.statusCode, headers: response.headers, body }
}

interface Knock {
  readonly path?: string
  readonly origin?: string
  readonly host?: string
  readonly token?: string
}

/** The status that a WebSocket is answered with; 101 where it is let in. */
function knock(options: Knock = {}): Promise<number | undefined> {
  const { path = '/rpc', origin = `http://${host}`, token = TOKEN } = options
  const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`, ['pilothouse', `token.${token}`], {
    headers: { host: options.host ?? host, ...(origin === '' ? {} : { origin }) },
  })
  return new Promise((resolve) => {
    socket.once('open', () => {
      socket.close()
      resolve(101)
    })
    socket.once('unexpected-response', (_request, response) => {
      response.resume()
      resolve(response.statusCode)
    })
    socket.on('error', () => undefined)
  })
}

describe('the page', () => {
  it('is served with a strict policy', async () => {
    const { status, headers, body } = await ask({ path: '/?token=whatever' })
    expect(status).toBe(200)
    expect(body).toContain('Pilothouse')
    expect(headers['content-security-policy']).toMatch(/default-src 'none'; script-src 'self';/)
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'referrer-policy': 'no-referrer',
      'cache-control': 'no-store',
    })
    const script = await ask({ path: '/assets/index.js' })
    expect(script.headers['content-type']).toContain('text/javascript')
  })

  it.each([
    '/../secret.html',
    '/assets/../../secret.html',
    '/%2e%2e/secret.html',
    '/..%2fsecret.html',
    '/assets/%2e%2e%2f%2e%2e%2fsecret.html',
    '/assets/..\\..\\secret.html',
    '/link.html',
    '/.hidden.html',
    '/assets',
    '/%00',
    '/%zz',
    '/missing.html',
  ])('does not answer %s', async (path) => {
    const { status, body } = await ask({ path })
    expect(status).toBe(404)
    expect(body).not.toContain('secret')
  })

  it('is not for other names, nor for other methods', async () => {
    expect((await ask({ path: '/', headers: { host: `evil.example:${port}` } })).status).toBe(403)
    expect((await ask({ path: '/', headers: { host: `localhost:${port}` } })).status).toBe(200)
    expect((await ask({ path: '/', method: 'POST' })).status).toBe(405)
  })

  it('is on loopback alone', async () => {
    const outside = Object.values(networkInterfaces())
      .flatMap((list) => list ?? [])
      .filter(({ internal, family }) => !internal && family === 'IPv4')
    for (const { address } of outside) {
      const socket = connect({ host: address, port })
      const [error] = (await once(socket, 'error')) as [NodeJS.ErrnoException]
      expect(error.code).toBe('ECONNREFUSED')
    }
    expect(server.address).toBe(`http://127.0.0.1:${port}/?token=${TOKEN}`)
  })
})

describe('channels', () => {
  it('are opened for our own page with the token', async () => {
    expect(await knock()).toBe(101)
    expect(await knock({ path: '/console?host=host-00000000&environment=demo' })).toBe(101)
  })

  it.each([
    ['no token', { token: '' }, 401],
    ['another token', { token: 'cd'.repeat(32) }, 401],
    ['a longer token', { token: `${TOKEN}00` }, 401],
    ['no origin', { origin: '' }, 403],
    ['another site', { origin: 'https://evil.example' }, 403],
    ['another port of this machine', { origin: 'http://127.0.0.1:1' }, 403],
    ['a file', { origin: 'null' }, 403],
    ['a name that resolves here', { host: 'evil.example', origin: 'http://evil.example' }, 403],
    ['an unknown path', { path: '/else' }, 404],
  ])('are refused for %s', async (_name, options, status) => {
    expect(await knock(options)).toBe(status)
  })

  it('carry calls', async () => {
    const socket = new WebSocket(`ws://${host}/rpc`, ['pilothouse', `token.${TOKEN}`], { origin: `http://${host}` })
    await once(socket, 'open')
    const client = channelClient(appContract, webSocketChannel(socket, 'lost'))
    expect(await client.app.info({}, { context })).toMatchObject({ shell: 'web', version: '0.0.0' })
    const watch = await client.fleet.watch({}, { context })
    expect((await watch.next()).value).toEqual({ type: 'snapshot', hosts: [], states: [] })
    await server.close()
    await expect(watch.next()).rejects.toThrow()
    await expect(client.app.info({}, { context })).rejects.toMatchObject({ code: 'host_unreachable' })
  })
})
