import { spawn, type ChildProcess } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmod, mkdir, open, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import BetterSqlite3 from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { PilothouseError } from '../../src-shared/error.ts'
import { connectClient, openWebSocket, REQUEST_ID, temporaryFolder, until } from '../support/edge.ts'

const ENTRY = join(import.meta.dirname, '../../host-daemon/index.ts')
const MIB = 1024 * 1024
const SPACE_MIB = 64
const context = { requestId: REQUEST_ID }

let folder: Awaited<ReturnType<typeof temporaryFolder>>
const children: ChildProcess[] = []

interface Output {
  code: number | null
  error: string
}
const outputs = new WeakMap<ChildProcess, Output>()

beforeEach(async () => {
  if (process.getuid?.() !== 0)
    throw new Error('File systems are mounted in a private namespace here: run this as root.')
  folder = await temporaryFolder()
})
afterEach(async () => {
  for (const child of children.splice(0)) await ended(child, 'SIGTERM')
  await folder.remove()
})

const stateFolder = () => join(folder.path, 'state')

async function writeSettings(): Promise<string> {
  const path = join(folder.path, 'daemon.json')
  const roleGroups = { viewer: null, operator: null, admin: null }
  const places = { stateDirectory: stateFolder(), socketDirectory: join(folder.path, 'run') }
  await writeFile(path, JSON.stringify({ ...places, roleGroups, consoleSpaceMiB: 16, logLevel: 'error' }))
  return path
}

/** The daemon, in a mount namespace of its own where `mount` has its state on a small file system. */
async function start(mountOptions?: string): Promise<ChildProcess> {
  await mkdir(stateFolder(), { recursive: true })
  const daemon = [process.execPath, ENTRY, 'run', '--config', await writeSettings()]
  const mount = `mount -t tmpfs -o ${mountOptions ?? ''} tmpfs "$0" && exec "$@"`
  const inNamespace = ['unshare', '--mount', '--propagation', 'private', 'sh', '-c', mount, stateFolder(), ...daemon]
  const [file = '', ...args] = mountOptions === undefined ? daemon : inNamespace
  const child = spawn(file, args, { env: { PATH: process.env['PATH'] } })
  const output: Output = { code: null, error: '' }
  child.stderr.on('data', (data: Buffer) => (output.error += data.toString()))
  outputs.set(child, output)
  children.push(child)
  return child
}

async function ended(child: ChildProcess, signal?: NodeJS.Signals): Promise<Output> {
  if (child.exitCode === null && child.signalCode === null) {
    const exit = new Promise((resolve) => child.once('close', resolve))
    if (signal !== undefined) child.kill(signal)
    await exit
  }
  return { error: outputs.get(child)?.error ?? '', code: child.exitCode }
}

async function served(child: ChildProcess) {
  const socket = join(folder.path, 'run', 'admin.sock')
  await until(() => {
    if (child.exitCode !== null) throw new Error(outputs.get(child)?.error)
    return openWebSocket(socket, '/rpc').then(
      (open) => (open.close(), true),
      () => false,
    )
  }, 30_000)
  return await connectClient(socket)
}

/** Takes every byte that is left. */
async function fill(path: string): Promise<void> {
  const file = await open(path, 'w')
  try {
    for (const size of [MIB, 4_096, 1]) await writeUntilFull(file, Buffer.alloc(size, 1))
  } finally {
    await file.close()
  }
}

async function writeUntilFull(file: Awaited<ReturnType<typeof open>>, chunk: Buffer): Promise<void> {
  for (let written = 0; written < SPACE_MIB * MIB; written += chunk.length) {
    try {
      if ((await file.write(chunk)).bytesWritten < chunk.length) return
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return
      throw error
    }
  }
}

/** Every file below the folder; the daemon's own empty folders are nobody's state. */
async function hashes(path: string): Promise<Record<string, string>> {
  const files = (await readdir(path, { withFileTypes: true, recursive: true })).filter((entry) => entry.isFile())
  const names = files
    .map((entry) => relative(path, join(entry.parentPath, entry.name)))
    .filter((name) => name !== 'daemon.lock')
    .sort()
  const contents = await Promise.all(names.map((name) => readFile(join(path, name))))
  return Object.fromEntries(names.map((name, at) => [name, digest(contents[at] ?? Buffer.alloc(0))]))
}

const digest = (content: Buffer) => createHash('sha256').update(content).digest('hex')

describe('a disk without space', () => {
  it('is said to whoever asks for a change; nothing changes, and the daemon goes on once there is space', async () => {
    const child = await start(`size=${SPACE_MIB}m`)
    const { client, socket } = await served(child)
    await client.owners.put({ name: 'before', note: 'kept' }, { context })
    // Its own view of the place, which nobody else has.
    const filler = join(`/proc/${child.pid}/root`, stateFolder(), 'filler')
    await fill(filler)
    const note = 'x'.repeat(500)
    const accepted = ['before']
    let refusal: PilothouseError | undefined
    for (let count = 0; refusal === undefined && count < 5_000; count += 1) {
      const name = `owner-${count}`
      await client.owners.put({ name, note }, { context }).then(
        () => accepted.push(name),
        (error: unknown) => (refusal = error as PilothouseError),
      )
    }
    expect(refusal).toMatchObject({ code: 'storage_failed', retryable: true })
    expect(refusal?.message).toContain('no space left')
    expect(refusal?.hint).toContain('Free space')
    const names = async () => (await client.owners.list(undefined, { context })).map(({ name }) => name).sort()
    expect(await names()).toEqual([...accepted].sort())
    await expect(client.owners.put({ name: 'refused', note }, { context })).rejects.toMatchObject({
      code: 'storage_failed',
    })
    await rm(filler)
    await client.owners.put({ name: 'after', note }, { context })
    expect(await names()).toEqual([...accepted, 'after'].sort())
    const { entries } = await client.activity.list(
      { action: 'owner.put', limit: 1, order: 'newest_first' },
      { context },
    )
    expect(entries).toHaveLength(1)
    socket.close()
    expect((await ended(child, 'SIGTERM')).code).toBe(0)
  })
})

describe('the database, in a folder that everybody can search', () => {
  const files = () => ['', '-wal', '-shm'].map((suffix) => join(stateFolder(), `pilothouse.db${suffix}`))
  const modes = async () => Promise.all(files().map(async (file) => (await stat(file)).mode & 0o777))

  it('is for nobody else to read: start-up values are in it', async () => {
    const { socket } = await served(await start())
    expect(await modes()).toEqual([0o600, 0o600, 0o600])
    socket.close()
  })

  it('is taken from everybody else where an earlier daemon, killed, has left it readable', async () => {
    const first = await start()
    ;(await served(first)).socket.close()
    await ended(first, 'SIGKILL')
    for (const file of files()) await chmod(file, 0o644)
    const { socket } = await served(await start())
    expect(await modes()).toEqual([0o600, 0o600, 0o600])
    socket.close()
  })
})

describe('a state that cannot be used is refused, with its path and what to do', () => {
  const database = () => join(stateFolder(), 'pilothouse.db')

  async function refused(mountOptions?: string): Promise<string> {
    const { code, error } = await ended(await start(mountOptions))
    expect(code).toBe(1)
    return error
  }

  it('a folder on a read-only file system', async () => {
    const error = await refused('ro,size=1m')
    expect(error).toContain(stateFolder())
    expect(error).toMatch(/read-only/)
    expect(error).toContain('writ')
  })

  it('a file that is no database', async () => {
    await mkdir(stateFolder())
    await writeFile(database(), 'this is my shopping list\n'.repeat(400))
    const before = await hashes(stateFolder())
    const error = await refused()
    expect(error).toContain(database())
    expect(error).toContain('not a database')
    expect(error).toContain('move it aside')
    expect(await hashes(stateFolder())).toEqual(before)
  })

  it.each(['closed', 'left by a crash'])('a database of a newer version, %s', async (how) => {
    await mkdir(stateFolder())
    const raw = new BetterSqlite3(database())
    raw.pragma('journal_mode = WAL')
    raw.exec('CREATE TABLE migrations (version INTEGER PRIMARY KEY, name TEXT, applied_at INTEGER) STRICT')
    raw.exec("INSERT INTO migrations VALUES (99, 'later', 0)")
    if (how === 'closed') raw.close()
    const before = await hashes(stateFolder())
    const error = await refused()
    expect(error).toContain(database())
    expect(error).toMatch(/version 99.*newer daemon/)
    const after = await hashes(stateFolder())
    expect({ ...after, 'pilothouse.db-shm': '' }).toEqual({ ...before, 'pilothouse.db-shm': '' })
    if (how !== 'closed') raw.close()
  })

  it('a folder in the place of the database', async () => {
    await mkdir(database(), { recursive: true })
    const error = await refused()
    expect(error).toContain(database())
    expect(error).toContain('writable')
  })
})
