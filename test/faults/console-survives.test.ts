import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { until } from '../../scripts/lib/until.ts'
import { openEnvironment } from '../../scripts/journey/environment-screen.ts'
import { waitForConsole } from '../../scripts/journey/console-screen.ts'
import { processesInView } from '../../scripts/private-host/view.ts'
import type { DaemonLink } from '../../src-main/fleet/daemon-link.ts'
import type { ConsoleTarget } from '../../src-shared/contract/console-stream.ts'
import type { Environment } from '../../src-shared/model/environment.ts'
import { environmentNameSchema, imageRefSchema, ownerNameSchema } from '../../src-shared/model/ids.ts'
import { ConsoleReader } from '../support/console-reader.ts'
import type { TestHost } from '../support/private-host.ts'
import { linkTo, newCommandId, newContext } from '../support/ssh-link.ts'
import { openTestWindow, SHELLS, type TestWindow } from '../support/test-window.ts'
import { tappedSha256, tapWindow, waitUntilDrawn } from '../support/window-tap.ts'

/** How the chain is hurt while the guest writes. */
const HURTS = {
  'the daemon is killed once': async (host: TestHost, flood: Flood) => {
    await flood.reach(0.02)
    await host.killDaemon()
    await flood.growsWithoutUs()
    await host.restartDaemon()
  },
  'the SSH connection is cut three times': async (host: TestHost, flood: Flood) => {
    for (const part of [0.15, 0.4, 0.65]) {
      await flood.reach(part)
      const { reconnections } = reader
      await host.cutSsh()
      await until(() => reader.reconnections > reconnections, { what: 'the viewer to come back', deadlineMs: 30_000 })
    }
  },
}

const RAW_BYTES = 50 * 1024 * 1024
const LINES = 200_000
const FLOOD_DEADLINE_MS = 60_000

let window: TestWindow
let host: TestHost
let link: DaemonLink | undefined
let environment: Environment
let reader: ConsoleReader

/** One link for calls and consoles, made again when it has ended. */
async function liveLink(): Promise<DaemonLink> {
  if (link !== undefined) return link
  const fresh = await linkTo(host, 'operator')
  link = fresh
  void fresh.ended.then(() => {
    fresh.dispose()
    if (link === fresh) link = undefined
  })
  return fresh
}

const openConsole = async (target: ConsoleTarget) => (await liveLink()).openConsole(target)

/** Bytes that the guest is writing to its console, from `start` on. */
class Flood {
  readonly start: number
  readonly length: number

  constructor(start: number, length: number) {
    this.start = start
    this.length = length
  }

  reach(part: number): Promise<void> {
    return reader.waitForOffset(this.start + Math.floor(this.length * part), FLOOD_DEADLINE_MS)
  }

  /** The journal holds more than anybody was served, while nobody of ours runs. */
  async growsWithoutUs(): Promise<void> {
    const path = await journalPath()
    await until(async () => (await stat(path)).size > reader.offset, {
      what: 'the journal to grow',
      deadlineMs: 30_000,
    })
  }
}

/** The journal as the host's own view of the machine has it: its file system may be mounted there alone. */
async function journalPath(): Promise<string> {
  const [member] = await processesInView(host.host.layout)
  if (member === undefined) throw new Error('nothing of the host runs')
  const path = join(host.host.layout.state, 'consoles', `${environment.boot?.id ?? ''}.log`)
  return join(`/proc/${member.pid}/root`, host.host.layout.inView(path))
}

async function journalSha256(start: number, length: number): Promise<string> {
  const hash = createHash('sha256')
  const stream = createReadStream(await journalPath(), { start, end: start + length - 1 })
  for await (const chunk of stream) hash.update(chunk as Buffer)
  return hash.digest('hex')
}

async function everySha256(start: number, length: number) {
  await waitUntilDrawn(window.page, start + length, FLOOD_DEADLINE_MS)
  return {
    journal: await journalSha256(start, length),
    wire: reader.sha256(start, length),
    window: await tappedSha256(window.page, start, length),
  }
}

async function stillAnswers(): Promise<void> {
  const from = reader.offset
  await reader.type('echo alive-$((6*7))\n')
  await reader.waitForText('alive-42', from)
  await until(
    async () => {
      const { observed } = await (
        await liveLink()
      ).client.environments.get({ environment: environment.id }, newContext())
      return observed.kind === 'running' && observed.agent === 'answering'
    },
    { what: 'the agent to answer', deadlineMs: 30_000 },
  )
}

beforeAll(async () => {
  window = await openTestWindow(SHELLS[0] ?? 'web', 'operator')
  host = window.testHost
  await tapWindow(window.page)
  const { client } = await liveLink()
  const spawned = await client.environments.spawn(
    {
      commandId: newCommandId(),
      name: environmentNameSchema.parse('flooded'),
      owner: ownerNameSchema.parse('local'),
      image: imageRefSchema.parse('minimal@1'),
      size: { homeMiB: 256 },
    },
    newContext(),
  )
  const ended = await client.operations.wait({ id: spawned.id, timeoutMs: 120_000 }, newContext())
  expect(ended.status).toMatchObject({ kind: 'succeeded' })
  environment = await client.environments.get({ environment: spawned.environmentId }, newContext())
  reader = new ConsoleReader(openConsole, environment.id)
  await reader.waitForText('# ', 0)
  await openEnvironment(window.page, 'flooded')
  await waitForConsole(window.page)
})

afterAll(async () => {
  reader.close()
  link?.dispose()
  await window.dispose()
})

describe.each(Object.entries(HURTS))('while %s', (_name, hurt) => {
  it('50 MB of raw bytes arrive as they left, in journal, on the wire and in the window', async () => {
    const typedAt = reader.offset
    await reader.type('dd if=/dev/urandom of=/home/blob bs=1M count=50 2>/dev/null; sha256sum /home/blob\n')
    const shaEnd = await reader.waitForText('  /home/blob', typedAt, 60_000)
    const source = reader.slice(shaEnd - 76, 64).toString()
    await reader.type('stty raw; printf BEG; printf IN; cat /home/blob; stty sane\n')
    const start = await reader.waitForText('BEGIN', shaEnd)
    const flood = new Flood(start, RAW_BYTES)
    await hurt(host, flood)
    await flood.reach(1)
    expect(await everySha256(start, RAW_BYTES)).toEqual({ journal: source, wire: source, window: source })
    await stillAnswers()
  }, 300_000)

  it('200,000 ordinary lines arrive as they left, in journal, on the wire and in the window', async () => {
    const typedAt = reader.offset
    const expected = Buffer.from(Array.from({ length: LINES }, (_, index) => `${index + 1}\r\n`).join(''))
    await reader.type(`printf BEG; echo IN; seq 1 ${LINES}\n`)
    const start = await reader.waitForText('BEGIN\r\n', typedAt)
    const flood = new Flood(start, expected.length)
    await hurt(host, flood)
    await flood.reach(1)
    const source = createHash('sha256').update(expected).digest('hex')
    expect(await everySha256(start, expected.length)).toEqual({ journal: source, wire: source, window: source })
    await stillAnswers()
  }, 300_000)
})

it('came back each time by offset, with no gap', () => {
  expect(reader.gaps).toEqual([])
  expect(reader.reconnections).toBeGreaterThanOrEqual(8)
})
