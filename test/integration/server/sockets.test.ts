import { execFile } from 'node:child_process'
import { chmod, mkdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { socketsFileSchema } from '../../../src-shared/model/role.ts'
import { startServer, type ServerOptions } from '../../../host-daemon/server/server.ts'
import { loadSettings } from '../../../host-daemon/config/settings.ts'
import { SystemClock } from '../../../host-daemon/system/clock.ts'
import { SystemRandom } from '../../../host-daemon/system/random.ts'
import { captureLog, connectClient, REQUEST_ID, temporaryFolder } from '../../support/edge.ts'
import { createTestRouter } from '../../support/test-router.ts'

const run = promisify(execFile)
const GROUPS = { viewer: '12001', operator: '12002', admin: null }

let folder: Awaited<ReturnType<typeof temporaryFolder>>
let directory: string

beforeEach(async () => {
  folder = await temporaryFolder()
  await chmod(folder.path, 0o755)
  directory = join(folder.path, 'run')
})
afterEach(() => folder.remove())

async function start(over: Partial<ServerOptions['settings']> = {}) {
  const settings = {
    ...(await loadSettings({ environment: {} })),
    socketDirectory: directory,
    roleGroups: GROUPS,
    ...over,
  }
  return await startServer({
    settings,
    version: '9.9.9',
    router: createTestRouter(),
    consoles: { serve: (socket) => socket.close() },
    logger: captureLog().logger,
    clock: new SystemClock(),
    random: new SystemRandom(),
  })
}

/** Says hello as another user of the host, in a process of that user. */
async function helloAs(uid: number, gid: number, role: string): Promise<Record<string, unknown>> {
  const args = ['--reuid', String(uid), '--regid', String(gid), '--clear-groups', 'curl', '-sS', '--max-time', '5']
  const target = ['--unix-socket', join(directory, `${role}.sock`), '-X', 'POST', 'http://h/api/hello']
  const { stdout } = await run('setpriv', [...args, ...target])
  return JSON.parse(stdout) as Record<string, unknown>
}

describe('the role sockets', () => {
  it('belong to their groups, and sockets.json says so to everyone', async () => {
    const server = await start()
    const facts = async (name: string) => {
      const { mode, uid, gid } = await stat(join(directory, name))
      return { mode: (mode & 0o7777).toString(8), uid, gid }
    }
    expect(await facts('.')).toEqual({ mode: '755', uid: 0, gid: 0 })
    expect(await facts('viewer.sock')).toEqual({ mode: '660', uid: 0, gid: 12001 })
    expect(await facts('operator.sock')).toEqual({ mode: '660', uid: 0, gid: 12002 })
    expect(await facts('admin.sock')).toEqual({ mode: '600', uid: 0, gid: 0 })
    expect(await facts('sockets.json')).toMatchObject({ mode: '644' })
    const file = socketsFileSchema.parse(JSON.parse(await readFile(join(directory, 'sockets.json'), 'utf8')))
    expect(file).toMatchObject({ protocol: 1, version: '9.9.9' })
    expect(file.sockets.map(({ role, group }) => [role, group])).toEqual([
      ['viewer', '12001'],
      ['operator', '12002'],
      ['admin', 'root'],
    ])
    await server.stop()
    for (const name of ['viewer.sock', 'sockets.json'])
      await expect(stat(join(directory, name))).rejects.toThrow('ENOENT')
  })

  it('let in who is of the group alone, and know who it is from the kernel', async () => {
    const server = await start()
    expect(await helloAs(34_567, 12_001, 'viewer')).toMatchObject({ role: 'viewer', uid: 34_567, user: 'uid:34567' })
    expect(await helloAs(34_568, 12_002, 'operator')).toMatchObject({ role: 'operator', uid: 34_568 })
    await expect(helloAs(34_567, 12_001, 'operator')).rejects.toThrow()
    await expect(helloAs(34_567, 12_001, 'admin')).rejects.toThrow()
    await server.stop()
  })

  it('replace what a killed daemon left, and nothing else', async () => {
    await mkdir(directory)
    const stale = createServer()
    await new Promise<void>((resolve) => stale.listen(join(directory, 'made'), resolve))
    // A socket whose daemon is gone: the file stays when it is moved away before the listener ends.
    await run('mv', [join(directory, 'made'), join(directory, 'viewer.sock')])
    await new Promise((resolve) => stale.close(resolve))
    const server = await start()
    const { client, socket } = await connectClient(join(directory, 'viewer.sock'))
    expect((await client.hello(undefined, { context: { requestId: REQUEST_ID } })).role).toBe('viewer')
    socket.close()
    await server.stop()
  })

  it('are not taken from another daemon, nor from anything that answers, nor from a file', async () => {
    const first = await start()
    await expect(start()).rejects.toThrow(`another pilothoused serves ${directory}`)
    await first.stop()

    const other = createServer()
    await new Promise<void>((resolve) => other.listen(join(directory, 'admin.sock'), resolve))
    await expect(start()).rejects.toThrow('something answers at')
    await new Promise((resolve) => other.close(resolve))

    await writeFile(join(directory, 'operator.sock'), 'mine')
    await expect(start()).rejects.toThrow('is not a socket; it is not replaced')
    expect(await readFile(join(directory, 'operator.sock'), 'utf8')).toBe('mine')
    await rm(join(directory, 'operator.sock'))

    const again = await start()
    await again.stop()
  })

  it('are not opened for a group that the host does not have', async () => {
    const roleGroups = { ...GROUPS, operator: 'no-such-group' }
    await expect(start({ roleGroups })).rejects.toThrow('setting roleGroups.operator names the group "no-such-group"')
    await expect(stat(join(directory, 'viewer.sock'))).rejects.toThrow('ENOENT')
  })
})
