import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { bootProbeGuest, hostTscKhz } from '../../host-daemon/drivers/qemu/accelerator.ts'
import { homeImagePath } from '../../host-daemon/drivers/qemu/handles.ts'
import type { BootRecord, BootSpec, VmDriver } from '../../host-daemon/drivers/vm-driver.ts'
import { runProgram } from '../../host-daemon/system/child.ts'
import type { ImageRef } from '../../src-shared/model/ids.ts'
import { startupSchema } from '../../src-shared/model/startup.ts'
import {
  expectNothingLeft,
  failureOf,
  GRACEFUL_STOP,
  GUEST_TEST_MS,
  never,
  newBootId,
  planGuest,
  QUICK_STOP,
  type PlannedGuest,
} from '../conformance/driver-subject.ts'
import { GuestShell } from '../conformance/guest-shell.ts'
import { makeQemuFixture, MINIMAL_IMAGE, testCacheDirectory, type QemuFixture } from '../support/qemu-fixture.ts'

const READY_MS = 30_000
const SECRET = 'hunter2-of-all-secrets'

describe('the qemu driver', () => {
  let fixture: QemuFixture
  let driver: VmDriver
  const planned: PlannedGuest[] = []
  beforeAll(async () => {
    fixture = await makeQemuFixture()
    driver = fixture.driver
  }, 180_000)
  afterEach(async () => {
    for (const { spec, record } of planned.splice(0)) {
      await driver.stopGuest(record, QUICK_STOP)
      await driver.destroyHome(spec.homeId)
    }
  }, GUEST_TEST_MS)
  afterAll(() => fixture.remove())

  async function plan(): Promise<PlannedGuest> {
    const guest = await planGuest({ driver, image: MINIMAL_IMAGE })
    planned.push(guest)
    return guest
  }
  async function start(guest: PlannedGuest): Promise<number> {
    await driver.startGuest(guest.spec, guest.record, never)
    const evidence = await driver.inspectGuest(guest.record)
    if (evidence.kind !== 'alive' || evidence.process === null) throw new Error(`The guest is ${evidence.kind}.`)
    return evidence.process.pid
  }

  it(
    "gives the guest's process nothing of the daemon's rights, and a session of its own",
    async () => {
      const guest = await plan()
      const pid = await start(guest)
      const status = await readFile(`/proc/${pid}/status`, 'utf8')
      const field = (name: string): string => new RegExp(`^${name}:[ \\t]*(.*)$`, 'm').exec(status)?.[1] ?? ''
      const uid = String(guest.spec.guestUid)
      expect(field('Uid').split(/\s+/)).toEqual([uid, uid, uid, uid])
      expect(field('Gid').split(/\s+/)).toEqual([uid, uid, uid, uid])
      expect(field('Groups').trim()).toBe('')
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapBnd', 'CapAmb']) expect(field(set), set).toMatch(/^0+$/)
      expect(field('NoNewPrivs')).toBe('1')
      expect(field('Seccomp')).toBe('2')
      const afterName = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]!.split(' ')
      expect(afterName[3]).toBe(String(pid))
      const folder = await stat(guest.record.handles['bootDirectory']!)
      expect([folder.uid, folder.mode & 0o777]).toEqual([guest.spec.guestUid, 0o700])
    },
    GUEST_TEST_MS,
  )

  it(
    'fails with the reason, and leaves nothing, without image, home or a kernel that is one',
    async () => {
      const guest = await plan()
      const absent = { ...guest.spec, image: 'absent@1' as ImageRef }
      expect(await failureOf(driver.startGuest(absent, guest.record, never))).toMatchObject({
        reason: 'image_unavailable',
      })
      await driver.destroyHome(guest.spec.homeId)
      expect(await failureOf(driver.startGuest(guest.spec, guest.record, never))).toMatchObject({
        reason: 'disk_failed',
      })
      await expectNothingLeft(driver, guest.record)

      const image = await fixture.options.images.resolve(MINIMAL_IMAGE)
      const older = { ...image, commandLine: image.commandLine.filter((word) => !word.startsWith('pilothouse.')) }
      const deaf = await makeQemuFixture({
        images: { list: () => Promise.resolve([]), resolve: () => Promise.resolve(older) },
      })
      const told = await planGuest({ driver: deaf.driver, image: MINIMAL_IMAGE })
      const toldSpec = { ...told.spec, startup: startupSchema.parse({ command: 'true' }) }
      const refused = await failureOf(deaf.driver.startGuest(toldSpec, told.record, never))
      expect(refused).toMatchObject({
        reason: 'image_unavailable',
        message: expect.stringContaining('build it again') as string,
      })
      await expectNothingLeft(deaf.driver, told.record)
      await deaf.remove()

      const kernelPath = join(testCacheDirectory(), 'no-kernel')
      await writeFile(kernelPath, 'this is no kernel', { mode: 0o644 })
      const images = { list: () => Promise.resolve([]), resolve: () => Promise.resolve({ ...image, kernelPath }) }
      const broken = await makeQemuFixture({ images })
      const doomed = await planGuest({ driver: broken.driver, image: MINIMAL_IMAGE })
      const failure = await failureOf(broken.driver.startGuest(doomed.spec, doomed.record, never))
      expect(failure).toMatchObject({ reason: 'hypervisor_failed' })
      expect(failure.message).toContain('QEMU ended at once: ')
      await expectNothingLeft(broken.driver, doomed.record)
      await broken.remove()
    },
    GUEST_TEST_MS,
  )

  it(
    'tells a probe guest that comes up from one that does not',
    async () => {
      const image = await fixture.options.images.resolve(MINIMAL_IMAGE)
      const accelerator = { kind: 'tcg', tscKhz: await hostTscKhz() } as const
      const trial = { accelerator, image, group: undefined, timeoutMs: 20_000 }
      expect(await bootProbeGuest({}, trial, never)).toBeUndefined()
      expect(await bootProbeGuest({}, { ...trial, timeoutMs: 200 }, never)).toContain('was not done after 200 ms')
      const deaf = { ...image, commandLine: ['rdinit=/bin/false', 'panic=-1', 'reboot=t'] }
      const without = { ...trial, image: deaf }
      expect(await bootProbeGuest({}, without, never)).toBe('it ended without having come up.')
    },
    GUEST_TEST_MS,
  )

  it(
    'never lets two guests write one home',
    async () => {
      const guest = await plan()
      await start(guest)
      const spec: BootSpec = { ...guest.spec, bootId: newBootId() }
      const record = driver.planBoot(spec)
      const failure = await failureOf(driver.startGuest(spec, record, never))
      expect(failure).toMatchObject({ reason: 'hypervisor_failed' })
      expect(failure.message).toMatch(/lock/)
      await expectNothingLeft(driver, record)
      await driver.waitUntilReady(guest.record, READY_MS, never)
    },
    GUEST_TEST_MS,
  )

  it(
    'unmounts the home cleanly, with a program still busy in it',
    async () => {
      const guest = await plan()
      await start(guest)
      await driver.waitUntilReady(guest.record, READY_MS, never)
      const shell = await GuestShell.open(driver, guest.record)
      await shell.run('(cd /home; trap "" TERM HUP; while :; do date > busy; done) & echo "busy-$((1+1))"', ['busy-2'])
      shell.close()
      expect(await driver.stopGuest(guest.record, GRACEFUL_STOP)).toBe('graceful')
      const image = homeImagePath(fixture.options.homesDirectory, guest.spec.homeId)
      const { stdout } = await runProgram({ file: 'dumpe2fs', args: ['-h', image], timeoutMs: 10_000 })
      expect(stdout.toString()).toMatch(/^Filesystem state:\s+clean$/m)
      expect(stdout.toString()).not.toContain('needs_recovery')
    },
    GUEST_TEST_MS,
  )

  it(
    'runs the command that a guest is told, waits for none of it, and shows no value of it on the host',
    async () => {
      const { spec: plain } = await plan()
      const command = `echo "told-$GREETING-$((40+2))"; test "$TOKEN" = ${SECRET} && echo "token-$((1+1))"; sleep 2; exit 3`
      const files = [{ path: 'etc/app.conf', content: SECRET }]
      const startup = startupSchema.parse({ command, variables: { GREETING: 'hello', TOKEN: SECRET }, files })
      const guest = { spec: { ...plain, startup }, record: driver.planBoot(plain) }
      const pid = await start(guest)
      await driver.waitUntilReady(guest.record, READY_MS, never)
      const shell = await GuestShell.open(driver, guest.record)
      await shell.seen('told-hello-42', { from: 0 })
      await shell.seen('token-2', { from: 0 })
      await shell.seen('The start-up command ended with status 3.', { from: 0 })
      // Whoever types is still the console's own: Ctrl-C reaches what it should.
      await shell.interruptSleep()
      await shell.run('echo "still-$((7*8))"', ['still-56'])
      shell.close()

      const lines = await readFile(`/proc/${pid}/cmdline`, 'latin1')
      expect(lines).toContain('pilothouse.startup=1')
      for (const said of [lines, JSON.stringify(guest.record), await readFile(guest.record.journalPath, 'latin1')])
        expect(said).not.toContain(SECRET)
      const archive = join(guest.record.handles['bootDirectory']!, 'startup')
      const { uid, gid, mode } = await stat(archive)
      expect([uid, gid, mode & 0o777]).toEqual([0, plain.guestUid, 0o440])
      await driver.stopGuest(guest.record, GRACEFUL_STOP)
      await expectNothingLeft(driver, guest.record)
      expect(await whoHolds(fixture.folder, SECRET)).toEqual([])
    },
    GUEST_TEST_MS,
  )

  it(
    'gives a guest the larger home that was made of its own',
    async () => {
      const guest = await plan()
      await start(guest)
      await driver.waitUntilReady(guest.record, READY_MS, never)
      const before = await GuestShell.open(driver, guest.record)
      await before.run('echo "kept-$((40+2))" > /home/note; sync; echo "synced-$((1+1))"', ['synced-2'])
      before.close()
      // Ended by force, with the journal of its file system not replayed.
      await driver.stopGuest(guest.record, QUICK_STOP)
      await driver.growHome(guest.spec.homeId, 512, never)
      const spec: BootSpec = { ...guest.spec, bootId: newBootId(), size: { ...guest.spec.size, homeMiB: 512 } }
      const again = { spec, record: driver.planBoot(spec) }
      planned.push(again)
      await start(again)
      await driver.waitUntilReady(again.record, READY_MS, never)
      const shell = await GuestShell.open(driver, again.record)
      await shell.run('cat /home/note; set -- $(df -m /home | tail -1); [ $2 -gt 400 ] && echo "large-$((1+1))"', [
        'kept-42',
        'large-2',
      ])
      shell.close()
    },
    GUEST_TEST_MS,
  )

  it(
    'sees a kernel that panics as gone',
    async () => {
      const guest = await plan()
      await start(guest)
      await driver.waitUntilReady(guest.record, READY_MS, never)
      const shell = await GuestShell.open(driver, guest.record)
      await shell.type('echo c > /proc/sysrq-trigger\n')
      shell.close()
      await expect.poll(() => driver.inspectGuest(guest.record), { timeout: 20_000 }).toMatchObject({ kind: 'gone' })
      expect(await readFile(guest.record.journalPath, 'latin1')).toContain('sysrq triggered crash')
    },
    GUEST_TEST_MS,
  )

  it(
    'leaves guests running that a daemon, killed at any moment, has started; the next one adopts them',
    async () => {
      for (const killAfter of ['launched', 'answered'] as const) {
        const guest = await plan()
        await startInDoomedDaemon(fixture, guest, killAfter)
        const next = await fixture.restart()
        await expect.poll(() => next.inspectGuest(guest.record), { timeout: 10_000 }).toMatchObject({ kind: 'alive' })
        await next.waitUntilReady(guest.record, READY_MS, never)
        await typeAndRead(next, guest.record)
        expect(await next.stopGuest(guest.record, GRACEFUL_STOP)).toBe('graceful')
        await expectNothingLeft(next, guest.record)
      }
    },
    GUEST_TEST_MS,
  )
})

/** Files below `folder` in which `text` stands. */
async function whoHolds(folder: string, text: string): Promise<string[]> {
  const { stdout } = await runProgram({
    file: 'grep',
    args: ['-r', '-l', '-F', '-e', text, '--', folder],
    expectedExits: [0, 1],
    timeoutMs: 20_000,
  })
  return stdout.toString().split('\n').filter(Boolean)
}

async function typeAndRead(driver: VmDriver, record: BootRecord): Promise<void> {
  const shell = await GuestShell.open(driver, record)
  await shell.run('echo "adopted-$((6*7))"', ['adopted-42'])
  shell.close()
}

/** A process of its own starts the guest and is killed: as soon as QEMU exists, or once it has answered. */
async function startInDoomedDaemon(
  fixture: QemuFixture,
  guest: PlannedGuest,
  killAfter: 'launched' | 'answered',
): Promise<void> {
  const { runDirectory, homesDirectory, journalDirectory } = fixture.options
  const source = (path: string): string => JSON.stringify(join(import.meta.dirname, '../../host-daemon', path))
  const script = `
    import { createQemuDriver } from ${source('drivers/qemu/qemu-driver.ts')}
    import { findGuest } from ${source('drivers/qemu/find-guest.ts')}
    import { createImageCatalogue } from ${source('images/catalogue.ts')}
    import { SystemClock } from ${source('system/clock.ts')}
    import { SystemRandom } from ${source('system/random.ts')}
    const driver = await createQemuDriver({
      ...${JSON.stringify({ runDirectory, homesDirectory, journalDirectory, accelerator: 'tcg' })},
      images: createImageCatalogue(${JSON.stringify(fixture.imagesDirectory)}),
      clock: new SystemClock(),
      random: new SystemRandom(),
      logger: console,
    })
    const { spec, record } = ${JSON.stringify(guest)}
    const started = driver.startGuest(spec, record, new AbortController().signal)
    if (${JSON.stringify(killAfter)} === 'answered') await started
    else while ((await findGuest(record)) === undefined);
    console.log('go')
    setInterval(() => undefined, 60000)`
  const daemon = spawn(process.execPath, ['--input-type=module', '-e', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await once(daemon.stdout, 'data')
  daemon.kill('SIGKILL')
  await once(daemon, 'exit')
}
