import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { connectClient } from '../support/edge.ts'
import { newRequestId, spawnInput } from '../support/fake-driver-daemon.ts'
import { waitFor } from '../support/wait-for.ts'

const ENTRY = join(import.meta.dirname, '../support/fake-driver-daemon.main.ts')
const COMMANDS = 30
/** A database that has grown is moved into its file now and then; that is not one command's cost. */
const CHECKPOINT_SYNCS = 2

async function childrenOf({ pid = 0 }: ChildProcess): Promise<number[]> {
  const words = (await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')).trim().split(' ')
  return words.filter((word) => word !== '').map(Number)
}

describe('an accepted command', () => {
  let folder = ''
  let daemon: ChildProcess | undefined
  const context = () => ({ context: { requestId: newRequestId() } })

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ph-'))
  })
  afterEach(async () => {
    if (daemon?.exitCode === null) {
      const exited = once(daemon, 'exit')
      // strace heeds no signal of its own while what it traces runs.
      for (const pid of await childrenOf(daemon)) process.kill(pid, 'SIGTERM')
      await exited
    }
    await rm(folder, { recursive: true, force: true })
  })

  /** When the daemon and its children synced files to the disk, in seconds since the epoch, as strace saw it. */
  const syncs = async (): Promise<number[]> => {
    const lines = (await readFile(join(folder, 'trace'), 'utf8')).split('\n')
    return lines.filter((line) => /\bf(data)?sync\(/.test(line)).map((line) => Number(/\d+\.\d+/.exec(line)?.[0]))
  }

  it('costs at most two syncs of the disk before it is answered', async () => {
    const trace = ['-f', '-ttt', '-e', 'trace=fsync,fdatasync', '-o', join(folder, 'trace'), '--', process.execPath]
    daemon = spawn('strace', [...trace, ENTRY, folder], { stdio: ['ignore', 'pipe', 'inherit'] })
    await once(daemon.stdout as NodeJS.ReadableStream, 'data')
    const { client, socket } = await connectClient(join(folder, 'run', 'admin.sock'))
    const windows: { from: number; to: number }[] = []
    for (let index = 0; index < COMMANDS; index += 1) {
      const from = Date.now()
      const { id } = await client.environments.spawn(spawnInput(`w-${index}`), context())
      windows.push({ from: from / 1000, to: Date.now() / 1000 })
      await client.operations.wait({ id, timeoutMs: 20_000 }, context())
      // Whatever the operation's end still writes is over before the next command begins.
      await waitFor('the disk to be quiet', async () => {
        const before = (await syncs()).length
        await delay(30)
        return (await syncs()).length === before
      })
    }
    socket.close()
    const seen = await syncs()
    const counts = windows
      .map(({ from, to }) => seen.filter((at) => at >= from && at <= to).length)
      .sort((a, b) => a - b)
    expect(seen.length).toBeGreaterThan(COMMANDS)
    expect(counts[0], 'a command was answered without being durable').toBeGreaterThanOrEqual(1)
    expect(counts[Math.floor(COMMANDS / 2)]).toBeLessThanOrEqual(2)
    expect(counts.filter((count) => count > 2 + CHECKPOINT_SYNCS)).toEqual([])
  })
})
