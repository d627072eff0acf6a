import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { ActivityTable } from '../../host-daemon/store/activity-table.ts'
import { Database } from '../../host-daemon/store/database.ts'
import { pagesOf, verifyChain, type ReadPage } from '../../src-main/activity/verify-chain.ts'
import { createConsoleCore, type ConsoleCore } from '../../src-main/index.ts'
import { systemClock } from '../../src-main/lib/clock.ts'
import { hostNameSchema } from '../../src-shared/model/ids.ts'
import { randomActivity } from '../support/activity-chain.ts'
import { newRequestId, spawnInput } from '../support/fake-driver-daemon.ts'
import { seededRandom } from '../support/seeded-random.ts'
import { serveFakeDriverDaemon } from '../support/served-fake-daemon.ts'
import { startTinySshServer, type TinySshServer } from '../support/tiny-ssh-server.ts'
import { waitFor } from '../support/wait-for.ts'

const SEED = Number(process.env.PILOTHOUSE_SEED ?? Date.now() % 2 ** 31)
const random = seededRandom(SEED)
const context = () => ({ context: { requestId: newRequestId() } })

let served: Awaited<ReturnType<typeof serveFakeDriverDaemon>>
/** Beside the daemon, on its file. */
let raw: Sqlite.Database
let table: ActivityTable

beforeEach(async () => {
  served = await serveFakeDriverDaemon()
  raw = new Sqlite(join(served.host.folder, 'pilothoused.db'))
  raw.pragma('foreign_keys = OFF')
  table = new ActivityTable(new Database(raw))
})
afterEach(async () => {
  raw.close()
  await served.remove()
})

function record(count: number): void {
  raw.transaction(() => {
    for (let ordinal = 0; ordinal < count; ordinal++) table.append(randomActivity(random, ordinal))
  })()
}

function tamper(sql: string): void {
  raw.exec(`DROP TRIGGER IF EXISTS activity_keeps_rows; DROP TRIGGER IF EXISTS activity_keeps_content; ${sql}`)
}

describe('the record over the wire', () => {
  let read: ReadPage
  let close: () => void
  beforeEach(async () => {
    const { client, socket } = await served.connect('viewer')
    close = () => socket.close()
    read = pagesOf(() => client, context)
  })
  afterEach(() => close())

  it('leads to the same hashes, whatever was recorded', async () => {
    console.log(`activity over the wire: PILOTHOUSE_SEED=${SEED}`)
    record(2_500)
    const head = table.head()
    expect(await verifyChain(read, [{ head, seenAt: 0 }])).toMatchObject({
      kind: 'intact',
      entryCount: head.seq,
      head,
      anchor: head,
    })
  })

  it('is verified to where it ended, while it grows', async () => {
    record(2_500)
    const { seq } = table.head()
    const growing: ReadPage = async (page) => {
      const answer = await read(page)
      record(300)
      return answer
    }
    const verdict = await verifyChain(growing, [{ head: table.head(), seenAt: 0 }])
    expect(verdict).toMatchObject({ kind: 'intact', entryCount: seq, anchor: { seq } })
    expect(table.head().seq).toBe(seq + 900)
  })

  it.each([
    `UPDATE activity SET environment_id = '../etc/passwd' WHERE seq = 40`,
    `UPDATE activity SET detail = '[]' WHERE seq = 40`,
    `UPDATE activity SET at = -1 WHERE seq = 40`,
    `UPDATE activity SET user = NULL, uid = 5 WHERE seq = 40`,
    `UPDATE activity SET hash = upper(substr(hash, 2)) || 'X' WHERE seq = 40`,
    `UPDATE activity SET detail = '{"__proto__":1,' || substr(detail, 2) WHERE seq = 40`,
    `DELETE FROM activity WHERE seq = 40`,
  ])('is broken at its entry, and still readable, after: %s', async (sql) => {
    record(60)
    tamper(sql)
    const verdict = await verifyChain(read, [{ head: table.head(), seenAt: 0 }])
    expect(verdict).toMatchObject({ kind: 'broken', brokenAt: 40 })
    expect((await read({ limit: 1_000 })).entries.length).toBeGreaterThanOrEqual(59)
  })

  it('has a false end where its number runs ahead', async () => {
    record(20)
    const { seq } = table.head()
    tamper(`UPDATE activity SET seq = 900000000 WHERE seq = ${seq}`)
    expect(await verifyChain(read, [])).toMatchObject({ kind: 'broken', brokenAt: seq })
  })

  it('rejects, and calls nothing broken, where the connection is cut', async () => {
    record(1_500)
    const cut: ReadPage = async (page) => {
      const answer = await read(page)
      close()
      return answer
    }
    await expect(verifyChain(cut, [])).rejects.toMatchObject({ code: 'host_unreachable' })
  })
})

it('is listed by environment, operation, request, user and action', async () => {
  const { client, socket } = await served.connect('operator')
  const requestId = newRequestId()
  const operation = await client.environments.spawn(spawnInput('web'), { context: { requestId } })
  await client.operations.wait({ id: operation.id, timeoutMs: 10_000 }, context())
  const list = async (input: Parameters<typeof client.activity.list>[0]) =>
    (await client.activity.list(input, context())).entries
  const byOperation = await list({ operation: operation.id })
  expect(byOperation.length).toBeGreaterThan(1)
  expect(byOperation[0]?.seq).toBeGreaterThan(byOperation.at(-1)?.seq ?? 0)
  expect(await list({ request: requestId })).toEqual(expect.arrayContaining(byOperation))
  expect(await list({ environment: 'web', action: 'spawn' })).toEqual(
    await list({ environment: operation.environmentId, action: 'spawn' }),
  )
  const { user } = operation.actor
  expect((await list({ user })).every(({ actor }) => actor?.user === user)).toBe(true)
  expect(await list({ user: 'nobody-of-this-name' })).toEqual([])
  expect(await list({ environment: operation.environmentId, after: 0, before: 1 })).toEqual([])
  await expect(list({ environment: 'none' })).rejects.toMatchObject({ code: 'not_found' })
  await expect(list({ limit: 1_001 })).rejects.toMatchObject({ code: 'invalid_request' })
  expect(await client.activity.head({}, context())).toEqual(table.head())
  socket.close()
})

describe('a console that follows the host', () => {
  let ssh: TinySshServer
  let folder: string
  let core: ConsoleCore
  beforeEach(async () => {
    ssh = await startTinySshServer()
    folder = await mkdtemp(join(tmpdir(), 'pilothouse-console-'))
    open()
  })
  afterEach(async () => {
    core.dispose()
    await ssh.close()
    await rm(folder, { recursive: true, force: true })
  })

  function open(): void {
    core = createConsoleCore({
      dataDirectory: folder,
      shell: 'web',
      version: '0.0.0',
      ssh: ssh.environment,
      clock: systemClock,
    })
    core.start()
  }
  const host = () => core.fleet.list()[0]!
  const connected = () => waitFor('the connection', () => host().connection.kind === 'connected')
  const headsReach = (seq: number) =>
    waitFor(`head ${seq}`, () => core.activity.heads(host().id).some(({ head }) => head.seq >= seq))
  async function addHost(name: string): Promise<void> {
    core.fleet.add(hostNameSchema.parse(name), ssh.targetOf(served.socketDirectory))
    const key = await waitFor('its key', () => {
      const { connection } = host()
      return connection.kind === 'awaiting_trust' ? connection.key : null
    })
    core.fleet.acceptKey(host().id, key.fingerprint)
    await connected()
  }

  it('pins what it hears, holds the host to it through restarts, and when it is added again', async () => {
    record(50)
    await addHost('lab')
    await headsReach(table.head().seq)
    expect(await core.activity.verify(host().id, undefined)).toMatchObject({ kind: 'intact', anchor: table.head() })

    core.dispose()
    tamper('DELETE FROM activity WHERE seq > 30')
    open()
    await connected()
    await waitFor('the evidence', () => core.activity.heads(host().id).some(({ head }) => head.seq === 30))
    expect(await core.activity.verify(host().id, undefined)).toMatchObject({ kind: 'broken', brokenAt: 31 })

    core.fleet.remove(host().id)
    await addHost('lab-again')
    expect(await core.activity.verify(host().id, undefined)).toMatchObject({ kind: 'broken', brokenAt: 31 })
  })

  it('verifies until it is told to stop', async () => {
    record(20)
    await addHost('lab')
    const reason = core.activity.verify(host().id, AbortSignal.abort()).catch((error: unknown) => error)
    expect(await reason).toMatchObject({ code: 'cancelled' })
    core.fleet.disconnect(host().id)
    await expect(core.activity.verify(host().id, undefined)).rejects.toMatchObject({ code: 'host_unreachable' })
  })
})
