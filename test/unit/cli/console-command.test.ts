import { createHash } from 'node:crypto'
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import type { DaemonSession } from '../../../src-main/shell/cli/ports.ts'
import type { ConsoleTarget } from '../../../src-shared/contract/console-stream.ts'
import { cli, startCli, type CliWorld } from '../../support/cli-run.ts'
import { FakeStream } from '../../support/fake-console.ts'

let folder: string

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'pilothouse-console-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

function world(
  script: (stream: FakeStream) => void,
  more: CliWorld = {},
): CliWorld & { targets: ConsoleTarget[]; streams: FakeStream[] } {
  const targets: ConsoleTarget[] = []
  const streams: FakeStream[] = []
  const session: Pick<DaemonSession, 'openConsole' | 'dispose'> = {
    openConsole: (target) => {
      const stream = new FakeStream(target)
      targets.push(target)
      streams.push(stream)
      script(stream)
      return Promise.resolve(stream)
    },
    dispose: () => undefined,
  }
  return {
    ...more,
    env: { PILOTHOUSE_SOCKET: '/x' },
    openSession: () => Promise.resolve(session as DaemonSession),
    targets,
    streams,
  }
}

/** Bytes that a terminal would act upon, and that are no text. */
const RAW = Buffer.from([0x1b, 0x5d, 0x30, 0x3b, 0x78, 0x07, 0x00, 0xff, 0xfe, 0x0a])

function shortBoot(stream: FakeStream): void {
  stream.opened(0, { endOffset: RAW.length })
  stream.bytes(0, RAW)
  stream.notice({ type: 'ended', endOffset: RAW.length })
}

describe('env console', () => {
  it("gives a pipe exactly the guest's bytes", async () => {
    const run = startCli(['env', 'console', 'demo'], world(shortBoot))
    expect(await run.status).toBe(0)
    expect(run.stdout.bytes.equals(RAW)).toBe(true)
  })

  it('keeps a terminal from being acted upon, and says so', async () => {
    const run = startCli(['env', 'console', 'demo', '--no-input'], world(shortBoot, { isTerminal: true }))
    expect(await run.status).toBe(0)
    expect(run.stdout.bytes.includes(0x07)).toBe(false)
    expect(run.stderr.text).toContain('control sequences of the guest were dropped')
  })

  it('says everything as JSON lines with --json', async () => {
    const { stdout, stderr } = await cli(['env', 'console', 'demo', '--json'], world(shortBoot))
    const lines = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { type: string; base64?: string; offset?: number })
    expect(lines.map(({ type }) => type)).toEqual(['opened', 'bytes', 'ended'])
    expect(lines[1]).toMatchObject({ offset: 0, base64: RAW.toString('base64') })
    expect(stderr).toBe('')
  })

  it('asks for the boot and the offset that were named', async () => {
    const asked = world(shortBoot)
    await cli(['env', 'console', 'demo', '--boot', 'boot-00000000000000aa', '--offset', '0'], asked)
    expect(asked.targets).toEqual([{ environment: 'demo', bootId: 'boot-00000000000000aa', offset: 0 }])
  })

  it.each([
    [['env', 'console', '--', '-x']],
    [['env', 'console', 'demo', '--offset', 'two']],
    [['env', 'console', 'demo', '--boot', 'latest']],
    [['env', 'console', 'demo', '--export', '-', '--json']],
  ])('refuses %j as a usage error', async (words) => {
    const { status, stdout } = await cli(words, world(shortBoot))
    expect(status).toBe(2)
    expect(stdout).toBe('')
  })

  it('types what is typed, and leaves with Ctrl-] without sending it', async () => {
    const playing = world((stream) => stream.opened(0), { isTerminal: true })
    const run = startCli(['env', 'console', 'demo'], playing)
    while (playing.streams.length === 0) await new Promise(setImmediate)
    const stream = playing.streams[0]!
    await stream.until(() => stream.sent.length > 0)
    expect(run.stdin.isRaw).toBe(true)
    run.stdin.write('ls\r')
    await stream.until(() => stream.typed.length >= 3)
    run.stdin.write(Buffer.from([0x78, 0x1d, 0x79]))
    expect(await run.status).toBe(0)
    expect(stream.typed).toBe('ls\rx')
    expect(run.stdin.isRaw).toBe(false)
    expect(stream.isClosed).toBe(true)
  })

  it('exports every byte of a boot up to now, gaps named, into a file that appears whole', async () => {
    const journal = Buffer.alloc(200_000, 'pilothouse ')
    const live = (stream: FakeStream) => {
      stream.opened(100, { endOffset: journal.length })
      stream.notice({ type: 'gap', gap: { offset: 100, length: 50, reason: 'retention' } })
      for (let offset = 150; offset < journal.length; offset += 65_536) {
        stream.bytes(offset, journal.subarray(offset, Math.min(offset + 65_536, journal.length)))
      }
      stream.bytes(journal.length, 'written after the export began')
    }
    const file = join(folder, 'boot.log')
    const { status, stdout } = await cli(['env', 'console', 'demo', '--export', file, '--json'], world(live))
    const kept = journal.subarray(150)
    expect(status).toBe(0)
    expect((await readFile(file)).equals(kept)).toBe(true)
    expect(JSON.parse(stdout)).toEqual({
      file,
      bootId: 'boot-00000000000000aa',
      bytes: kept.length,
      sha256: createHash('sha256').update(kept).digest('hex'),
      gaps: [{ offset: 100, length: 50, reason: 'retention' }],
    })
    expect(await readdir(folder)).toEqual(['boot.log'])
  })

  it('exports an empty boot as an empty file', async () => {
    const file = join(folder, 'empty.log')
    const { status } = await cli(
      ['env', 'console', 'demo', '--export', file],
      world((stream) => stream.opened(0)),
    )
    expect(status).toBe(0)
    expect((await readFile(file)).length).toBe(0)
  })

  it('leaves no half-written export behind', async () => {
    const refusing = world((stream) => stream.bytes(7, 'out of place'))
    const { status } = await cli(['env', 'console', 'demo', '--export', join(folder, 'boot.log')], refusing)
    expect(status).toBe(13)
    expect(await readdir(folder)).toEqual([])
  })

  it('ends with 130 when it is interrupted', async () => {
    const stop = new AbortController()
    const playing = world((stream) => stream.opened(0), { signal: stop.signal })
    const run = startCli(['env', 'console', 'demo', '--follow'], playing)
    while (playing.streams.length === 0) await new Promise(setImmediate)
    stop.abort()
    expect(await run.status).toBe(130)
  })
})
