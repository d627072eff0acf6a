import { spawn, type ChildProcess } from 'node:child_process'
import { readFile, rename, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectClient, openWebSocket, REQUEST_ID, temporaryFolder, until } from '../../support/edge.ts'

const ENTRY = join(import.meta.dirname, '../../../host-daemon/index.ts')
const MIB = 1024 * 1024

let folder: Awaited<ReturnType<typeof temporaryFolder>>
const children: ChildProcess[] = []

beforeEach(async () => {
  folder = await temporaryFolder()
})
afterEach(async () => {
  for (const child of children.splice(0)) await ended(child, 'SIGTERM')
  await folder.remove()
})

interface Ended {
  code: number | null
  out: string
  error: string
}
const outputs = new WeakMap<ChildProcess, Ended>()

function start(args: readonly string[], environment: Record<string, string> = {}): ChildProcess {
  const child = spawn(process.execPath, [ENTRY, ...args], { env: { PATH: process.env['PATH'], ...environment } })
  const output: Ended = { code: null, out: '', error: '' }
  child.stdout.on('data', (data: Buffer) => (output.out += data.toString()))
  child.stderr.on('data', (data: Buffer) => (output.error += data.toString()))
  outputs.set(child, output)
  children.push(child)
  return child
}

async function ended(child: ChildProcess, signal?: NodeJS.Signals): Promise<Ended> {
  if (child.exitCode === null && child.signalCode === null) {
    const exit = new Promise((resolve) => child.once('close', resolve))
    if (signal !== undefined) child.kill(signal)
    await exit
  }
  return { ...outputs.get(child)!, code: child.exitCode }
}

const run = (args: readonly string[], environment: Record<string, string> = {}) => ended(start(args, environment))

async function writeSettings(over: Record<string, unknown> = {}): Promise<string> {
  const path = join(folder.path, 'daemon.json')
  const own = { stateDirectory: join(folder.path, 'state'), socketDirectory: join(folder.path, 'run') }
  const roleGroups = { viewer: 12_001, operator: null, admin: null }
  await writeFile(path, JSON.stringify({ ...own, roleGroups, consoleSpaceMiB: 16, ...over }))
  return path
}

async function serve(over: Record<string, unknown> = {}): Promise<ChildProcess> {
  const child = start(['run', '--config', await writeSettings(over)])
  await until(() => {
    if (child.exitCode !== null) throw new Error(outputs.get(child)!.error)
    return openWebSocket(socketOf('admin'), '/rpc').then(
      (socket) => (socket.close(), true),
      () => false,
    )
  }, 15_000)
  return child
}

const socketOf = (role: string): string => join(folder.path, 'run', `${role}.sock`)
const context = { requestId: REQUEST_ID }

describe('pilothoused', () => {
  it('names each wrong setting on stderr and ends with exit 2', async () => {
    const config = await writeSettings({ limits: { cpus: 99 }, backups: { keep: { daly: 7, last: 1 } } })
    const { code, error } = await run(['run', '--config', config], { PILOTHOUSE_LOG_LEVEL: 'loud' })
    expect([code, error.trim().split('\n').length]).toEqual([2, 3])
    expect(error).toContain('setting logLevel (from PILOTHOUSE_LOG_LEVEL) has the value "loud"')
    expect(error).toContain('setting limits.cpus has the value 99')
    expect(error).toContain('setting backups.keep.daly (value 7) does not exist')
  })

  it('does what its settings say', async () => {
    const logFile = join(folder.path, 'logs/daemon.log')
    const child = await serve({
      hostName: 'h-7',
      logFile,
      logLevel: 'debug',
      accelerator: 'tcg',
      limits: { cpus: 3, memoryMiB: 512, homeMiB: 64, maxConnections: 2, maxCallsPerConnection: 1 },
      owners: [{ name: 'local', limit: 'unlimited', note: 'made at start' }],
    })
    const { client, socket } = await connectClient(socketOf('admin'))
    const info = await client.hello(undefined, { context })
    expect(info).toMatchObject({ hostName: 'h-7', sizeLimit: { cpus: 3, memoryMiB: 512, homeMiB: 64 } })
    expect(info.drivers[0]).toMatchObject({ kind: 'qemu', accelerator: { kind: 'tcg' } })
    expect(await client.owners.list(undefined, { context })).toEqual([
      { name: 'local', note: 'made at start', isActive: true, limit: 'unlimited', environmentCount: 0 },
    ])
    const both = [client.hello(undefined, { context }), client.hello(undefined, { context })]
    const codes = (await Promise.allSettled(both)).map((one) =>
      one.status === 'rejected' ? (one.reason as { code: string }).code : 'ok',
    )
    expect(codes.sort()).toEqual(['host_limit_reached', 'ok'])
    const second = await openWebSocket(socketOf('admin'), '/rpc')
    await expect(openWebSocket(socketOf('admin'), '/rpc')).rejects.toThrow('503')
    second.close()
    socket.close()
    expect((await stat(socketOf('viewer'))).gid).toBe(12_001)
    expect((await stat(join(folder.path, 'state/consoles.img'))).size).toBe(16 * MIB)
    expect((await stat(join(folder.path, 'state/pilothouse.db'))).size).toBeGreaterThan(0)
    const levels = async () =>
      (await readFile(logFile, 'utf8'))
        .trim()
        .split('\n')
        .map((line) => (JSON.parse(line) as { level: number }).level)
    await until(async () => (await levels()).includes(20))
    await rename(logFile, `${logFile}.1`)
    child.kill('SIGHUP')
    await until(() => stat(logFile).then(Boolean, () => false))
    const { code, error } = await ended(child, 'SIGTERM')
    expect([code, error]).toEqual([0, ''])
    expect(await readFile(logFile, 'utf8')).toContain('"msg":"ended"')
  })

  it('logs no more than its level asks for', async () => {
    const child = await serve({ logLevel: 'error' })
    expect((await ended(child, 'SIGTERM')).error).toBe('')
  })

  it('shares neither its state nor its sockets with another daemon', async () => {
    await serve()
    const config = await writeSettings()
    const same = await run(['run', '--config', config])
    expect([same.code, same.error]).toEqual([1, expect.stringContaining('another pilothoused holds')])
    const other = await run(['run', '--config', config], { PILOTHOUSE_STATE_DIRECTORY: join(folder.path, 'other') })
    expect([other.code, other.error]).toEqual([1, expect.stringContaining('another pilothoused serves')])
    const { client, socket } = await connectClient(socketOf('admin'))
    expect((await client.hello(undefined, { context })).role).toBe('admin')
    socket.close()
  })

  it('starts again after it was killed, with a new epoch and the same state', async () => {
    const first = await serve({ owners: [{ name: 'kept' }] })
    const one = await connectClient(socketOf('admin'))
    const { epoch } = await one.client.hello(undefined, { context })
    await ended(first, 'SIGKILL')
    await serve()
    const two = await connectClient(socketOf('admin'))
    expect((await two.client.hello(undefined, { context })).epoch).not.toBe(epoch)
    expect((await two.client.owners.list(undefined, { context })).map(({ name }) => name)).toEqual(['kept'])
    two.socket.close()
  })
})
