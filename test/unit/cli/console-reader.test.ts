import { describe, expect, it } from 'vitest'
import type { ConsoleItem } from '../../../src-main/shell/cli/console/console-place.ts'
import { ConsoleReader, type ConsoleReaderOptions } from '../../../src-main/shell/cli/console/console-reader.ts'
import type { ConsoleTarget } from '../../../src-shared/contract/console-stream.ts'
import { PilothouseError } from '../../../src-shared/error.ts'
import { BOOT, FakeStream } from '../../support/fake-console.ts'

const TARGET: ConsoleTarget = { environment: 'demo' as never }
const NEXT_BOOT = { ...BOOT, bootId: 'boot-00000000000000bb' as never, ordinal: 2 }

/** Plays the daemon: the n-th stream that is opened is given to the n-th script. */
function reading(scripts: ((stream: FakeStream) => void)[], options: Partial<ConsoleReaderOptions> = {}) {
  const streams: FakeStream[] = []
  const sleeps: number[] = []
  const reader = new ConsoleReader({
    open: (target) => {
      const stream = new FakeStream(target)
      const script = scripts[streams.length]
      streams.push(stream)
      if (script === undefined) return Promise.reject(new PilothouseError('not_found', 'No more scripts.'))
      script(stream)
      return Promise.resolve(stream)
    },
    clock: { now: () => 0, monotonicMs: () => 0, sleep: (ms) => Promise.resolve(void sleeps.push(ms)) },
    random: { hex: () => '', fraction: () => 0 },
    signal: new AbortController().signal,
    typing: 'none',
    until: 'boot-ended',
    ...options,
  })
  return { reader, streams, sleeps }
}

async function textOf(items: AsyncIterable<ConsoleItem>): Promise<{ text: string; types: string[] }> {
  const types: string[] = []
  let text = ''
  for await (const item of items) {
    types.push(item.type)
    if (item.type === 'bytes') text += Buffer.from(item.bytes).toString('utf8')
  }
  return { text, types }
}

describe('console reader', () => {
  it('reads a boot to its end and acknowledges what was drawn', async () => {
    const { reader, streams } = reading([
      (stream) => {
        stream.opened(0)
        stream.bytes(0, 'hello ')
        stream.bytes(6, 'world')
        stream.notice({ type: 'ended', endOffset: 11 })
      },
    ])
    expect(await textOf(reader.read(TARGET))).toEqual({
      text: 'hello world',
      types: ['opened', 'bytes', 'bytes', 'ended'],
    })
    expect(streams[0]!.isClosed).toBe(true)
  })

  it('asks for its next byte after a cut: nothing lost, nothing twice', async () => {
    const { reader, streams, sleeps } = reading([
      (stream) => {
        stream.opened(0)
        stream.bytes(0, 'abc')
        stream.close()
      },
      (stream) => {
        stream.opened(stream.target.offset ?? -1)
        stream.bytes(3, 'def')
        stream.notice({ type: 'ended', endOffset: 6 })
      },
    ])
    const { text, types } = await textOf(reader.read(TARGET))
    expect(text).toBe('abcdef')
    expect(types).toEqual(['opened', 'bytes', 'cut', 'opened', 'bytes', 'ended'])
    expect(streams[1]!.target).toEqual({ environment: 'demo', bootId: BOOT.bootId, offset: 3 })
    expect(sleeps).toEqual([125])
  })

  it('keeps trying while trying may help, and stops when it cannot', async () => {
    let tries = 0
    const first = new FakeStream(TARGET)
    const { reader } = reading([], {
      open: () => {
        tries += 1
        if (tries === 1) {
          first.opened(0)
          first.close()
          return Promise.resolve(first)
        }
        return Promise.reject(
          tries < 4 ? new PilothouseError('host_unreachable', 'Down.') : new PilothouseError('forbidden', 'No.'),
        )
      },
    })
    await expect(textOf(reader.read(TARGET))).rejects.toMatchObject({ code: 'forbidden' })
    expect(tries).toBe(4)
  })

  it('does not retry a first stream that cannot be opened', async () => {
    const { reader, sleeps } = reading([], {
      open: () => Promise.reject(new PilothouseError('host_unreachable', 'Down.')),
    })
    await expect(textOf(reader.read(TARGET))).rejects.toMatchObject({ code: 'host_unreachable' })
    expect(sleeps).toEqual([])
  })

  it('goes on behind a gap, known or unknown', async () => {
    const { reader } = reading([
      (stream) => {
        stream.opened(0)
        stream.notice({ type: 'gap', gap: { offset: 0, length: 100, reason: 'retention' } })
        stream.bytes(100, 'a')
        stream.notice({ type: 'gap', gap: { offset: 101, length: null, reason: 'space_exhausted' } })
        stream.bytes(500, 'b')
        stream.notice({ type: 'ended', endOffset: 501 })
      },
    ])
    expect((await textOf(reader.read(TARGET))).text).toBe('ab')
  })

  it('refuses bytes that are not the next ones', async () => {
    const { reader } = reading([
      (stream) => {
        stream.opened(0)
        stream.bytes(1, 'x')
      },
    ])
    await expect(textOf(reader.read(TARGET))).rejects.toMatchObject({ code: 'protocol_mismatch' })
  })

  it('goes on with the next boot when it follows', async () => {
    const stop = new AbortController()
    const { reader, streams } = reading(
      [
        (stream) => {
          stream.opened(0)
          stream.bytes(0, 'one')
          stream.notice({ type: 'ended', endOffset: 3 })
          stream.notice({ type: 'next-boot', boot: NEXT_BOOT })
        },
        (stream) => {
          stream.opened(0, NEXT_BOOT)
          stream.bytes(0, 'two')
        },
      ],
      { until: 'interrupted', signal: stop.signal },
    )
    let text = ''
    await expect(async () => {
      for await (const item of reader.read(TARGET)) {
        if (item.type === 'bytes') text += Buffer.from(item.bytes).toString('utf8')
        if (text === 'onetwo') stop.abort()
      }
    }).rejects.toThrow()
    expect(streams[1]!.target).toEqual({ environment: 'demo', bootId: NEXT_BOOT.bootId })
  })

  it('asks for the keyboard on every stream, and types into the one that is open', async () => {
    const { reader, streams } = reading(
      [
        (stream) => {
          stream.opened(0)
          stream.bytes(0, 'a')
          void stream.until(() => stream.typed !== '').then(() => stream.close())
        },
        (stream) => {
          stream.opened(1)
          stream.notice({ type: 'ended', endOffset: 1 })
        },
      ],
      { typing: 'take-over' },
    )
    expect(reader.type(Buffer.from('early'))).toBe(false)
    for await (const item of reader.read(TARGET)) if (item.type === 'opened') reader.type(Buffer.from('ls\n'))
    expect(streams.map(({ sent }) => sent[0])).toEqual(
      Array<string>(2).fill(JSON.stringify({ type: 'claim-typing', takeOver: true })),
    )
    expect(streams[1]!.typed).toBe('ls\n')
  })

  it('acknowledges only what has been drawn', async () => {
    const { reader, streams } = reading([
      (stream) => {
        stream.opened(0)
        stream.bytes(0, Buffer.alloc(64 * 1024))
      },
    ])
    const items = reader.read(TARGET)
    await items.next()
    await items.next()
    expect(streams[0]!.acknowledged).toBe(0)
    const drawn = items.next()
    await streams[0]!.until(() => streams[0]!.acknowledged === 64 * 1024)
    streams[0]!.notice({ type: 'ended', endOffset: 64 * 1024 })
    await drawn
  })
})
