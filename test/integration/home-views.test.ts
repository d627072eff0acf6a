import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { homeImagePath } from '../../host-daemon/drivers/qemu/handles.ts'
import { findGuest } from '../../host-daemon/drivers/qemu/find-guest.ts'
import { withAgent, withMonitor } from '../../host-daemon/drivers/qemu/inspect-guest.ts'
import { hasView } from '../../host-daemon/drivers/qemu/point-in-time-nodes.ts'
import { Turns } from '../../host-daemon/drivers/qemu/turns.ts'
import type { HomeView, VmDriver } from '../../host-daemon/drivers/vm-driver.ts'
import { runProgram } from '../../host-daemon/system/child.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import { SystemRandom } from '../../host-daemon/system/random.ts'
import { mountReadOnly, type MountedHome } from '../../host-daemon/system/home-view.ts'
import { signalProcess, waitUntilGone } from '../../host-daemon/system/processes.ts'
import {
  GUEST_TEST_MS,
  never,
  newBootId,
  planGuest,
  QUICK_STOP,
  type PlannedGuest,
} from '../conformance/driver-subject.ts'
import { GuestShell } from '../conformance/guest-shell.ts'
import { heldDaemon, type HeldDaemon } from '../support/held-daemon.ts'
import { processesWith } from '../support/kill-points.ts'
import { makeQemuFixture, MINIMAL_IMAGE, type QemuFixture } from '../support/qemu-fixture.ts'

const READY_MS = 30_000
const FILES = 2_000
/** The guest's own bound is 10 s; what a busy machine adds to it is not the guest's. */
const THAWED_BY_ITSELF_MS = 10_000 + 5_000

describe('a view of a real home', () => {
  let fixture: QemuFixture
  let driver: VmDriver
  let guest: PlannedGuest
  let shell: GuestShell | undefined

  beforeAll(async () => {
    fixture = await makeQemuFixture()
    driver = fixture.driver
    guest = await planGuest({ driver, image: MINIMAL_IMAGE }, { memoryMiB: 192, homeMiB: 256 })
    await start()
  }, 180_000)
  afterAll(async () => {
    closeShell()
    await driver.stopGuest(guest.record, QUICK_STOP)
    await driver.destroyHome(guest.spec.homeId)
    expect(processesOf(fixture.folder)).toEqual([])
    expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(fixture.folder)
    await fixture.remove()
  }, GUEST_TEST_MS)

  async function start(): Promise<void> {
    await driver.startGuest(guest.spec, guest.record, never)
    await driver.waitUntilReady(guest.record, READY_MS, never)
  }
  /** The guest's shell, with nothing in the home of what tests look for. */
  async function bareShell(): Promise<GuestShell> {
    shell ??= await GuestShell.open(driver, guest.record)
    await shell.run('rm -rf /home/tick /home/before /home/after; mkdir /home/tick; echo "bare-$((1+1))"', ['bare-2'])
    return shell
  }
  const closeShell = (): void => {
    shell?.close()
    shell = undefined
  }
  const opened: HomeView[] = []
  async function open(scratchDirectory = join(fixture.folder, 'scratch')): Promise<HomeView> {
    const view = await driver.openHomeView(guest.record, { scratchDirectory, signal: never })
    opened.push(view)
    return view
  }
  afterEach(async () => {
    for (const mounted of mounts.splice(0)) await mounted.unmount()
    for (const view of opened.splice(0)) await view.close()
  })
  const mounts: MountedHome[] = []
  async function mount(view: HomeView): Promise<MountedHome> {
    const folder = join(fixture.folder, 'mounted')
    const mounted = await mountReadOnly(view.imagePath, { folder, signal: never })
    mounts.push(mounted)
    return mounted
  }
  const drop = async (): Promise<void> => {
    const next = await fixture.restart()
    await next.dropHomeViews(guest.record, { scratchDirectory: join(fixture.folder, 'scratch'), signal: never })
  }
  const isFrozen = (): Promise<boolean> => {
    const conversations = {
      turns: new Turns(),
      random: new SystemRandom(),
      clock: new SystemClock(),
      signal: AbortSignal.timeout(5_000),
    }
    return withAgent(guest.record, conversations, (agent) => agent.isFrozen())
  }
  const isViewLeft = (): Promise<boolean> =>
    withMonitor(guest.record, { turns: new Turns(), clock: new SystemClock(), timeoutMs: 5_000 }, hasView)

  it(
    'is the tree of the moment of the freeze, while the guest writes on and its console answers',
    async () => {
      const shell = await bareShell()
      await shell.run(
        `mkdir /home/f; for i in $(seq ${FILES}); do echo "first $i" > /home/f/$i; done; sync; echo "made-$((1+1))"`,
        ['made-2'],
      )
      await shell.run(
        'echo there > /home/before; touch /tmp/go; ' +
          '(i=0; while [ -e /tmp/go ]; do i=$((i+1)); echo $i > /home/tick/$i; done) & echo "writing-$((1+1))"',
        ['writing-2'],
      )
      const view = await open()
      expect(view).toMatchObject({ consistency: 'quiesced', isQuiesced: true })
      await shell.run(
        `rm /home/before; echo there > /home/after; for i in $(seq ${FILES}); do echo "second $i" > /home/f/$i; done; sync; ` +
          'echo "changed-$((1+1))"',
        ['changed-2'],
      )
      const mounted = await mount(view)
      const reading = readTree(mounted)
      await shell.run('echo "answers-$((40+2))"', ['answers-42'])
      const tree = await reading
      const scratch = await scratchBytes(guest)
      console.log(
        `held still for at most ${view.frozenMs?.toFixed(0)} ms; kept aside ${scratch / 1024} KiB; ${tree.ticks.length} ticks`,
      )
      expect(tree.first).toEqual(Array.from({ length: FILES }, (_, index) => `first ${index + 1}\n`))
      expect([tree.top.includes('before'), tree.top.includes('after')]).toEqual([true, false])
      // What was written one after the other is there up to one moment, without a gap; the last may be made, not written.
      expect(tree.ticks.splice(-1).join('')).toMatch(/^([0-9]+\n)?$/)
      expect(tree.ticks).toEqual(Array.from({ length: tree.ticks.length }, (_, index) => `${index + 1}\n`))
      expect(tree.ticks.length).toBeGreaterThan(0)
      await mounted.unmount()
      await view.close()
      await shell.run('rm /tmp/go; cat /home/after /home/f/1; sync && echo "wrote-$((1+1))"', [
        'there',
        'second 1',
        'wrote-2',
      ])
      expect(await isViewLeft()).toBe(false)
    },
    GUEST_TEST_MS * 2,
  )

  it(
    'of a guest whose agent is silent has its journal replayed aside, and the guest is not touched',
    async () => {
      const shell = await bareShell()
      await shell.run('killall -STOP qemu-ga; echo there > /home/before; sync; echo "deaf-$((1+1))"', ['deaf-2'])
      const view = await open()
      expect(view).toMatchObject({ consistency: 'journal_replayed', isQuiesced: false, frozenMs: null })
      const mounted = await mount(view)
      expect(await readFile(join(mounted.path, 'before'), 'utf8')).toBe('there\n')
      await mounted.unmount()
      await view.close()
      await shell.run('killall -CONT qemu-ga; echo more > /home/after; sync && echo "fine-$((1+1))"', ['fine-2'])
      await driver.waitUntilReady(guest.record, READY_MS, never)
      expect(await isViewLeft()).toBe(false)
    },
    GUEST_TEST_MS,
  )

  it(
    'that is not wanted any more leaves nothing, whenever that is said, and the guest is not frozen',
    async () => {
      const shell = await bareShell()
      for (const afterMs of [1, 40, 120, 250, 400]) {
        const reason = new Error(`not wanted after ${afterMs} ms`)
        const controller = new AbortController()
        const scratchDirectory = join(fixture.folder, 'scratch')
        const opening = driver.openHomeView(guest.record, { scratchDirectory, signal: controller.signal })
        const timer = setTimeout(() => controller.abort(reason), afterMs)
        const outcome = await opening.catch((error: unknown) => error)
        clearTimeout(timer)
        if (outcome instanceof Error) expect(outcome).toBe(reason)
        else await (outcome as HomeView).close()
        expect(await isViewLeft()).toBe(false)
        expect((await readdir(scratchDirectory)).filter((name) => name !== 'room')).toEqual([])
        await shell.run(`sync; echo "thawed-$((${afterMs}+1))"`, [`thawed-${afterMs + 1}`])
      }
    },
    GUEST_TEST_MS,
  )

  it(
    'breaks where its scratch space is full, and the guest writes on unharmed',
    async () => {
      const shell = await bareShell()
      const small = join(fixture.folder, 'small')
      await mkdir(small)
      await runProgram({ file: 'mount', args: ['-t', 'tmpfs', '-o', 'size=1m', 'small', small], timeoutMs: 5_000 })
      try {
        await shell.run('dd if=/dev/zero of=/home/big bs=1M count=30; sync; echo "big-$((1+1))"', ['big-2'])
        const view = await open(small)
        await shell.run(
          'dd if=/dev/urandom of=/home/big bs=1M count=30 conv=notrunc,fsync && md5sum < /home/big > /tmp/sum; ' +
            'echo 3 > /proc/sys/vm/drop_caches; [ "$(md5sum < /home/big)" = "$(cat /tmp/sum)" ] && echo "whole-$((1+1))"',
          ['whole-2'],
        )
        await expect(readFile(view.imagePath)).rejects.toThrow()
        await view.close()
        await shell.run('rm /home/big; sync && echo "on-$((1+1))"', ['on-2'])
      } finally {
        await runProgram({ file: 'umount', args: [small], timeoutMs: 5_000 })
      }
    },
    GUEST_TEST_MS,
  )

  it(
    'left frozen by a daemon that is killed, the guest thaws by itself, and its agent with it',
    async () => {
      const shell = await bareShell()
      const killed = await daemonThat('hold_frozen')
      await shell.type('echo x > /home/after; sync; echo "alone-$((1+1))"\n')
      const since = performance.now()
      await killed.kill()
      await shell.seen('alone-2', { timeoutMs: THAWED_BY_ITSELF_MS })
      console.log(`thawed by itself ${(performance.now() - since).toFixed(0)} ms after the daemon was killed`)
      await driver.waitUntilReady(guest.record, READY_MS, never)
      expect(await open().then((view) => view.close().then(() => view.isQuiesced))).toBe(true)
    },
    GUEST_TEST_MS,
  )

  it(
    'left frozen by a daemon that is killed, the guest writes again as soon as the next daemon has it',
    async () => {
      const shell = await bareShell()
      const killed = await daemonThat('hold_frozen')
      await shell.type('echo x > /home/after; sync; echo "freed-$((1+1))"\n')
      await killed.kill()
      expect(await isFrozen()).toBe(true)
      await drop()
      expect(await isFrozen()).toBe(false)
      await shell.seen('freed-2')
      await driver.waitUntilReady(guest.record, READY_MS, never)
    },
    GUEST_TEST_MS,
  )

  it(
    'of a daemon that is killed leaves no process and no mount, and what QEMU has of it the next daemon drops',
    async () => {
      const shell = await bareShell()
      const killed = await daemonThat('hold_view')
      expect(processesOf(fixture.folder).length).toBeGreaterThan(1)
      expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(fixture.folder)
      await killed.kill()
      await expect.poll(() => processesOf(fixture.folder), { timeout: 5_000 }).toEqual([])
      expect(await isViewLeft()).toBe(true)
      await drop()
      expect(await isViewLeft()).toBe(false)
      expect(await readdir(guest.record.handles['bootDirectory'] ?? '')).not.toContain('view')
      await shell.run('echo x > /home/after; sync && echo "on-$((1+2))"', ['on-3'])
    },
    GUEST_TEST_MS,
  )

  it(
    'of a guest that was killed has what it synced, its journal replayed',
    async () => {
      const shell = await bareShell()
      await shell.run('echo there > /home/before; sync; echo "synced-$((1+1))"', ['synced-2'])
      closeShell()
      const process = await findGuest(guest.record)
      if (process === undefined) throw new Error('There is no guest.')
      await signalProcess(process, 'SIGKILL')
      await waitUntilGone(process, { timeoutMs: 5_000 })
      const image = homeImagePath(join(fixture.folder, 'homes'), guest.spec.homeId)
      const before = await digestOf(image)
      const untouched = { scratchDirectory: join(fixture.folder, 'scratch'), signal: never, isUntouched: true }
      await expect(driver.openHomeView(guest.record, untouched)).rejects.toMatchObject({ code: 'wrong_state' })
      expect(await digestOf(image)).toBe(before)
      const view = await open()
      expect(view).toMatchObject({ consistency: 'journal_replayed', isQuiesced: false })
      const mounted = await mount(view)
      expect(await readFile(join(mounted.path, 'before'), 'utf8')).toBe('there\n')
      await mounted.unmount()
      await view.close()
      await driver.stopGuest(guest.record, QUICK_STOP)
      const spec = { ...guest.spec, bootId: newBootId() }
      guest = { spec, record: driver.planBoot(spec) }
      await start()
    },
    GUEST_TEST_MS,
  )

  const daemonThat = (what: 'hold_frozen' | 'hold_view'): Promise<HeldDaemon> =>
    heldDaemon(join(fixture.folder, 'orders.json'), { what, folder: fixture.folder, record: guest.record })
})

/** Processes that work in that folder, guests and daemons apart. */
function processesOf(folder: string): number[] {
  return processesWith(
    (words) => words.some((word) => word.includes(folder)) && !words.includes('-name') && words[0] !== process.execPath,
  )
}

async function readTree({ path }: MountedHome): Promise<{ top: string[]; first: string[]; ticks: string[] }> {
  const top = await readdir(path)
  const count = (await readdir(join(path, 'tick'))).length
  const all = async (folder: string, length: number): Promise<string[]> => {
    const contents: string[] = []
    for (let index = 1; index <= length; index += 1)
      contents.push(await readFile(join(path, folder, String(index)), 'utf8'))
    return contents
  }
  return { top, first: await all('f', FILES), ticks: await all('tick', count) }
}

/** What QEMU keeps aside takes on disk; its file has no name any more. */
async function scratchBytes({ record }: PlannedGuest): Promise<number> {
  const pid = (await findGuest(record))?.pid ?? 0
  const { stdout } = await runProgram({
    file: 'find',
    args: ['-L', `/proc/${pid}/fd`, '-type', 'f', '-printf', '%p %b\n'],
    timeoutMs: 5_000,
    expectedExits: [0, 1],
  })
  const { stdout: names } = await runProgram({
    file: 'find',
    args: [`/proc/${pid}/fd`, '-lname', '*.scratch (deleted)'],
    timeoutMs: 5_000,
  })
  const path = names.toString().trim().split('\n')[0] ?? ''
  const line =
    stdout
      .toString()
      .split('\n')
      .find((text) => text.startsWith(`${path} `)) ?? ' 0'
  return Number(line.split(' ')[1]) * 512
}

async function digestOf(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
}
