import { describe, expect, it } from 'vitest'
import { ConsoleSession, type ConsoleState } from '../../../src-renderer/ui/console/console-session.ts'
import { MOST_PENDING, type ConsoleSink } from '../../../src-renderer/ui/console/draw-queue.ts'
import { CONSOLE_WINDOW_BYTES } from '../../../src-shared/contract/console-stream.ts'
import type { BootId, EnvironmentId } from '../../../src-shared/model/ids.ts'
import type { Actor } from '../../../src-shared/model/operation.ts'
import { channelPair } from '../../support/channel-pair.ts'
import { FakeConsole } from '../../support/fake-app-console.ts'
import { bootIdOf } from '../../support/fake-app-samples.ts'

const environmentId = 'env-00000001' as EnvironmentId
const ACTOR: Actor = { user: 'ada', uid: 1, role: 'admin', claimedActor: null }
const consoleFor = (ordinal: number): FakeConsole =>
  new FakeConsole({ environmentId, bootId: bootIdOf(ordinal) as BootId, ordinal, startedAt: 1000 * ordinal })

/** A terminal that draws when told, or at once. */
class FakeScreen implements ConsoleSink {
  readonly drawn: number[] = []
  readonly marks: string[] = []
  mostPending = 0
  private readonly waiting: (() => void)[] = []
  isSlow = false

  write(bytes: Uint8Array, done: () => void): void {
    for (const byte of bytes) this.drawn.push(byte)
    this.waiting.push(done)
    this.mostPending = Math.max(this.mostPending, this.waiting.length)
    if (!this.isSlow) queueMicrotask(() => this.settle())
  }

  settle(): void {
    for (const done of this.waiting.splice(0)) done()
  }

  beginBoot(boot: { ordinal: number }): void {
    this.marks.push(`boot ${boot.ordinal}`)
  }

  markGap(gap: { offset: number; length: number | null }): void {
    this.marks.push(`gap ${gap.offset}+${gap.length ?? '?'}`)
  }
}

function watch(consoles: FakeConsole[]) {
  const screen = new FakeScreen()
  const opened: { bootId: string | undefined; offset: number | undefined }[] = []
  const states: ConsoleState[] = []
  const session = new ConsoleSession({
    environmentId,
    sink: screen,
    onChange: (state) => states.push(state),
    open: ({ bootId, offset }) => {
      opened.push({ bootId, offset })
      const [mine, theirs] = channelPair()
      const console = consoles.find((each) => each.bootId === bootId) ?? consoles.at(-1)
      console?.serve(theirs, offset ?? 0, ACTOR)
      return Promise.resolve(mine)
    },
  })
  return { screen, session, opened, states, now: () => session.snapshot }
}

async function until(isSo: () => boolean): Promise<void> {
  for (const deadline = Date.now() + 5000; Date.now() < deadline;) {
    if (isSo()) return
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  throw new Error('It did not come to that in time.')
}

const bytesOf = (length: number): Uint8Array => Uint8Array.from({ length }, (_unused, index) => (index * 7 + 3) % 251)

describe('a console session', () => {
  it('draws every byte once and in order over three cuts', async () => {
    const console = consoleFor(1)
    const all = bytesOf(300_000)
    console.write(all.subarray(0, 100_000))
    const { screen, session, opened } = watch([console])
    session.open()
    await until(() => screen.drawn.length === 100_000)
    for (const stop of [150_000, 220_000, 300_000]) {
      const start = screen.drawn.length
      console.cut('The link was cut.')
      console.write(all.subarray(start, stop))
      await until(() => screen.drawn.length === stop)
    }
    expect(Uint8Array.from(screen.drawn)).toEqual(all)
    expect(opened.map(({ offset }) => offset)).toEqual([undefined, 100_000, 150_000, 220_000])
    session.dispose()
  })

  it('never has more than the window under way, nor more than ten chunks undrawn', async () => {
    const console = consoleFor(1)
    console.write(bytesOf(5_000_000))
    const { screen, session, now } = watch([console])
    screen.isSlow = true
    session.open()
    await until(() => screen.drawn.length > 0)
    while (now().drawnOffset < 5_000_000) {
      screen.settle()
      await new Promise((resolve) => setTimeout(resolve, 0))
    }
    expect(console.mostUnacked).toBeLessThanOrEqual(CONSOLE_WINDOW_BYTES)
    expect(screen.mostPending).toBeLessThanOrEqual(MOST_PENDING)
    expect(screen.drawn).toHaveLength(5_000_000)
    session.dispose()
  })

  it('draws nothing while paused, and everything afterwards', async () => {
    const console = consoleFor(1)
    const { screen, session, now } = watch([console])
    session.open()
    await until(() => now().link.kind === 'live')
    session.setPaused(true)
    console.write(bytesOf(3_000_000))
    await until(() => console.mostUnacked === CONSOLE_WINDOW_BYTES)
    expect(screen.drawn).toHaveLength(0)
    session.setPaused(false)
    await until(() => screen.drawn.length === 3_000_000)
    session.dispose()
  })

  it('asks again only for what was not handed to the terminal when it was cut while paused', async () => {
    const console = consoleFor(1)
    const all = bytesOf(500_000)
    console.write(all.subarray(0, 1000))
    const { screen, session } = watch([console])
    session.open()
    await until(() => screen.drawn.length === 1000)
    session.setPaused(true)
    console.write(all.subarray(1000))
    await until(() => console.mostUnacked >= 499_000)
    console.cut('The link was cut.')
    session.setPaused(false)
    await until(() => screen.drawn.length === 500_000)
    expect(Uint8Array.from(screen.drawn)).toEqual(all)
    session.dispose()
  })

  it('marks a gap and goes on behind it', async () => {
    const console = consoleFor(1)
    console.write('before')
    console.lose(5000)
    console.write('after')
    const { screen, session, now } = watch([console])
    session.open()
    await until(() => now().drawnOffset === 5011)
    expect(screen.marks).toEqual(['boot 1', 'gap 6+5000'])
    expect(String.fromCharCode(...screen.drawn)).toBe('beforeafter')
    session.dispose()
  })

  it('follows to the next boot once this one has ended and is drawn', async () => {
    const first = consoleFor(1)
    const second = consoleFor(2)
    first.write('one')
    second.write('two')
    const { screen, session, now } = watch([first, second])
    session.open(first.bootId)
    await until(() => screen.drawn.length === 3)
    first.announce(second.boot())
    first.end(5000)
    await until(() => screen.drawn.length === 6)
    expect(now().boot?.ordinal).toBe(2)
    expect(screen.marks).toEqual(['boot 1', 'boot 2'])
    session.dispose()
  })

  it('stays at the end of a boot when paused, and says where the next one is', async () => {
    const first = consoleFor(1)
    const second = consoleFor(2)
    const { session, now } = watch([first, second])
    session.open(first.bootId)
    await until(() => now().link.kind === 'live')
    session.setPaused(true)
    first.announce(second.boot())
    first.end(5000)
    await until(() => now().link.kind === 'ended')
    expect(now()).toMatchObject({ boot: { ordinal: 1 }, nextBoot: { ordinal: 2 } })
    session.dispose()
  })

  it('types only while it holds the keyboard, and takes it over visibly', async () => {
    const console = consoleFor(1)
    console.hold({ ...ACTOR, user: 'otto' })
    const { session, now } = watch([console])
    session.open()
    await until(() => now().link.kind === 'live')
    expect(session.type(new TextEncoder().encode('no'))).toBe(false)
    session.claimTyping(false)
    await until(() => now().refusal?.code === 'typing_held')
    session.claimTyping(true)
    await until(() => now().lease.isMine)
    expect(now().refusal).toBeNull()
    expect(session.type(new TextEncoder().encode('yes'))).toBe(true)
    await until(() => console.typed === 'yes')
    session.dispose()
  })

  it('stops trying after a refusal that will not change', async () => {
    const states: ConsoleState[] = []
    let count = 0
    const session = new ConsoleSession({
      environmentId,
      sink: new FakeScreen(),
      onChange: (state) => states.push(state),
      open: () => {
        count += 1
        const [mine, theirs] = channelPair()
        const data = { hint: 'Ask.', retryable: false, requestId: 'req-00000000000000aa' }
        theirs.send(JSON.stringify({ type: 'error', code: 'forbidden', message: 'Not you.', ...data }))
        theirs.close('Not you.')
        return Promise.resolve(mine)
      },
    })
    session.open()
    await until(() => states.at(-1)?.link.kind === 'closed')
    expect(count).toBe(1)
    session.dispose()
  })
})
