import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { headPinsOf } from '../../../src-main/shell/cli/head-pins.ts'
import type { DaemonSession } from '../../../src-main/shell/cli/ports.ts'
import { openStore, type ConsoleStore } from '../../../src-main/store/store.ts'
import { PilothouseError } from '../../../src-shared/error.ts'
import { hostTargetSchema } from '../../../src-shared/model/host.ts'
import { hostIdSchema, hostNameSchema } from '../../../src-shared/model/ids.ts'
import { randomActivity, recordedChain } from '../../support/activity-chain.ts'
import { cli, type CliWorld } from '../../support/cli-run.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { seededRandom } from '../../support/seeded-random.ts'

const BY_HOST = ['--host', 'lab']
const BY_SOCKET = ['--socket', '/run/x.sock']
const random = seededRandom(5)
const clock = new ManualClock()

let folder: string
let chain: ReturnType<typeof recordedChain>
let store: ConsoleStore
let world: CliWorld

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilothouse-verify-'))
  chain = recordedChain(join(folder, 'test.db'), random, 30)
  store = openStore(':memory:')
  const id = hostIdSchema.parse('host-0000abcd')
  store.hosts.add({ id, name: hostNameSchema.parse('lab'), target: hostTargetSchema.parse({ address: 'lab' }) }, 0)
  world = { clock, headPins: headPinsOf(store, clock), openSession: () => Promise.resolve(session()) }
})
afterEach(async () => {
  store.dispose()
  chain.db.dispose()
  await rm(folder, { recursive: true, force: true })
})

/** A daemon that answers of its record alone. */
function session(): DaemonSession {
  const client = {
    hello: () => Promise.resolve({ hostName: 'lab-7.example' }),
    activity: {
      head: () => Promise.resolve(chain.table.head()),
      list: (page: { after?: number; limit: number; order: 'oldest_first' }) =>
        Promise.resolve({ entries: chain.table.list(page), head: chain.table.head() }),
    },
  }
  return {
    client: client as unknown as DaemonSession['client'],
    openConsole: () => Promise.reject(new PilothouseError('internal', 'None here.')),
    dispose: () => undefined,
  }
}

const verify = (...words: string[]) => cli(['activity', 'verify', ...words], world)
const append = (): void => chain.table.append(randomActivity(random, 1_000))
function truncate(): void {
  chain.raw.exec('DROP TRIGGER activity_keeps_rows; DELETE FROM activity WHERE seq > 20')
}

describe('activity verify', () => {
  it('is not anchored the first time, and pins what it has seen for the next', async () => {
    const first = await verify(...BY_HOST)
    expect(first).toMatchObject({ status: 0, stdout: expect.stringContaining('consistent, not anchored') as string })
    expect(first.stderr).toContain('Its end is pinned from now on.')
    append()
    const second = await verify(...BY_HOST)
    expect(second).toMatchObject({ status: 0, stderr: '' })
    expect(second.stdout).toContain('Intact: the trusted head holds, the newest at entry 30.')
  })

  it('ends with 15 for a record that is broken, and keeps the evidence', async () => {
    await verify(...BY_HOST)
    truncate()
    const broken = await verify('--json', ...BY_HOST)
    expect(broken.status).toBe(15)
    expect(JSON.parse(broken.stdout)).toMatchObject({ kind: 'broken', brokenAt: 21 })
    expect(JSON.parse(broken.stderr)).toMatchObject({ error: { code: 'record_broken' } })
    expect(store.heads.list({ id: hostIdSchema.parse('host-0000abcd'), fingerprint: null })).toContainEqual(
      expect.objectContaining({ isEvidence: true, shrankFrom: 30 }),
    )
  })

  it('has only what is given by a socket', async () => {
    await verify(...BY_HOST)
    const none = await verify(...BY_SOCKET)
    expect(none).toMatchObject({ status: 0, stderr: expect.stringContaining('Give --head or --head-file.') as string })
    const { seq, hash } = chain.table.head()
    expect((await verify('--head', `${seq}:${hash}`, ...BY_SOCKET)).stdout).toContain('Intact')
    const other = await verify('--head', `${seq}:${hash}`, '--head', `5:${'ab'.repeat(32)}`, ...BY_SOCKET)
    expect(other).toMatchObject({ status: 15 })
    expect(other.stderr).toContain('it no longer leads to the given head 5.')
  })

  it.each([
    ['--head', '7'],
    ['--head', `x:${'ab'.repeat(32)}`],
    ['--head', `7:${'AB'.repeat(32)}`],
    ['--head', `-7:${'ab'.repeat(32)}`],
    ['--head-file', '/nowhere/at/all'],
    // Without an end: no more of it than a head is long may be read.
    ['--head-file', '/dev/zero'],
  ])('refuses %s %s before anything is sent', async (...words) => {
    expect(await verify(...words, ...BY_SOCKET)).toMatchObject({ status: 2, stdout: '' })
  })
})

describe('activity head --export', () => {
  const file = () => join(folder, 'head.json')

  it('writes a trusted head for its user alone, in the place of an older one', async () => {
    await writeFile(file(), 'old')
    await chmod(file(), 0o666)
    const { status, stdout } = await cli(['activity', 'head', '--export', file(), '--json', ...BY_HOST], world)
    const exported = { host: 'lab', ...chain.table.head(), at: clock.now() }
    expect({ status, answer: JSON.parse(stdout) as unknown }).toEqual({
      status: 0,
      answer: { file: file(), ...exported },
    })
    expect(JSON.parse(await readFile(file(), 'utf8'))).toEqual(exported)
    expect((await stat(file())).mode & 0o777).toBe(0o600)
    expect((await readdir(folder)).filter((name) => name.includes('partial'))).toEqual([])
  })

  it('is what verify is given later', async () => {
    await cli(['activity', 'head', '--export', file(), ...BY_SOCKET], world)
    expect(JSON.parse(await readFile(file(), 'utf8'))).toMatchObject({ host: 'lab-7.example' })
    append()
    expect(await verify('--head-file', file(), ...BY_SOCKET)).toMatchObject({ status: 0, stderr: '' })
    truncate()
    const broken = await verify('--head-file', file(), ...BY_SOCKET)
    expect(broken.stderr).toContain('The chain ends at entry 20, before the head 30 that was seen at')
  })

  it('says what it cannot write, and leaves nothing', async () => {
    const { status, stderr } = await cli(['activity', 'head', '--export', join(folder, 'none', 'x'), ...BY_HOST], world)
    expect(status).toBe(2)
    expect(stderr).toContain('ENOENT')
  })

  it.each([
    '',
    '{',
    '[]',
    '{"seq":1}',
    `{"host":"x","seq":1,"hash":"${'ab'.repeat(32)}","at":9e15}`,
    ' '.repeat(5_000),
  ])('refuses a file that is none (%#)', async (text) => {
    await writeFile(file(), text)
    expect(await verify('--head-file', file(), ...BY_SOCKET)).toMatchObject({ status: 2, stdout: '' })
  })
})
