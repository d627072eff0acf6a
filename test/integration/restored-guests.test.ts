import { lstat, readdir, readFile, readlink } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { EnvironmentRef } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import { connectClient } from '../support/edge.ts'
import { newCommandId, newRequestId } from '../support/fake-driver-daemon.ts'
import { startTestHost, type TestHost } from '../support/private-host.ts'

const LEFT_BY_THE_GUEST = `
mkdir -p etc/ssh data && echo 1234 > etc/machine-id && echo key > etc/ssh/ssh_host_key && echo port > etc/ssh/sshd_config
echo figures > data/report && mknod data/disk b 7 0 && mkfifo data/fifo && ln -s /etc/passwd data/out && touch whole`
/** The four folders and seven files of the guest, the mark at the end, and what every file system has. */
const ENTRIES = 12

describe('what a point of a real guest is used for', () => {
  let host: TestHost
  let client: Awaited<ReturnType<typeof connectClient>>['client']
  const disposals: (() => unknown)[] = []
  const web = 'web' as EnvironmentRef
  const context = { context: { requestId: newRequestId() } } as never
  const command = () => ({ commandId: newCommandId(), environment: web, point: 'latest' }) as never
  async function succeeded({ id }: Operation): Promise<Operation> {
    const done = await client.operations.wait({ id, timeoutMs: 240_000 }, context)
    expect(done.status, JSON.stringify([done.step, done.result])).toMatchObject({ kind: 'succeeded' })
    return done
  }

  beforeAll(async () => {
    host = await startTestHost({ image: 'minimal' })
    disposals.push(() => host.dispose())
    const connected = await connectClient(join(host.socketDirectory, 'admin.sock'))
    disposals.push(() => connected.socket.close())
    client = connected.client
    const size = { memoryMiB: 128, homeMiB: 64 }
    const startup = { command: `[ -e whole ] || { ${LEFT_BY_THE_GUEST.trim().replaceAll('\n', ' && ')}; sync; }` }
    const spawn = { commandId: newCommandId(), name: 'web', owner: 'local', image: 'minimal@1', size, startup }
    await succeeded(await client.environments.spawn(spawn, context))
    for (let tries = 0; ; tries += 1) {
      await succeeded(await client.backups.now({ commandId: newCommandId(), environment: web }, context))
      const [point] = await client.backups.points({ environment: web }, context)
      if (point!.entries >= ENTRIES - 1) break
      expect(tries, `${point!.entries} entries`).toBeLessThan(20)
    }
  }, 300_000)
  afterAll(async () => {
    for (const dispose of disposals.reverse()) await dispose()
  }, 60_000)

  it('is proved by a guest of its own, of which nothing is left', async () => {
    const done = await succeeded(await client.drill(command(), context))
    expect(done.result).toMatchObject({ kind: 'drill', isPassed: true })
    const checks = done.result?.kind === 'drill' ? done.result.checks : []
    expect(checks.map(({ name }) => name)).toEqual([
      'restores',
      'file system',
      'boots',
      'check command',
      'entries',
      'hashes',
    ])
    const report = await client.drift.list({}, context)
    expect([report.items, report.problems]).toEqual([[], []])
  }, 300_000)

  it('becomes a new environment without the identity of its source', async () => {
    const done = await succeeded(
      await client.clone({ ...(command() as object), name: 'twin', owner: 'local' } as never, context),
    )
    expect(done.result).toMatchObject({ removedIdentity: ['/etc/machine-id', '/etc/ssh/ssh_host_key'] })
    const twin = { commandId: newCommandId(), environment: 'twin' } as never
    await succeeded(await client.backups.now(twin, context))
    const folder = { environment: 'twin', point: 'latest', folder: '/etc/ssh', limit: 10 } as never
    const { entries } = await client.backups.browse(folder, context)
    expect(entries.map(({ path }) => path)).toEqual(['/etc/ssh/sshd_config'])
  }, 300_000)

  it('gives its files back as what may arrive on a host', async () => {
    const wanted = { ...(command() as object), paths: ['/data', '/etc/ssh/sshd_config'], folder: 'ticket-7' } as never
    const { result } = await succeeded(await client.files(wanted, context))
    if (result?.kind !== 'restore_files') throw new Error('There is no such result.')
    expect(result).toMatchObject({ files: 2, skippedCount: 2 })
    // The host has names of its own for what is the test's.
    const folder = join(host.host.layout.state, 'restored', basename(result.folder))
    expect((await readdir(join(folder, 'data'))).sort()).toEqual(['out', 'report'])
    expect(await readlink(join(folder, 'data/out'))).toBe('/etc/passwd')
    expect(await readFile(join(folder, 'data/report'), 'utf8')).toBe('figures\n')
    expect(await readdir(join(folder, 'etc'))).toEqual(['ssh'])
    expect((await lstat(folder)).mode & 0o7777).toBe(0o700)
    expect(await readdir(join(folder, '..'))).toEqual(['ticket-7'])
    expect((await client.drift.list({}, context)).items).toEqual([])
  }, 300_000)
})
