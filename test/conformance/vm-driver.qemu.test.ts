import { open, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import { homeImagePath } from '../../host-daemon/drivers/qemu/handles.ts'
import type { BootRecord, HomeView, VmDriver } from '../../host-daemon/drivers/vm-driver.ts'
import { findGuest } from '../../host-daemon/drivers/qemu/find-guest.ts'
import { runProgram } from '../../host-daemon/system/child.ts'
import { loopDeviceOf } from '../../host-daemon/system/mounts.ts'
import { signalProcess, waitUntilGone, type SignalName } from '../../host-daemon/system/processes.ts'
import type { HomeId } from '../../src-shared/model/ids.ts'
import { heldDaemon } from '../support/held-daemon.ts'
import { processesWith } from '../support/kill-points.ts'
import { makeQemuFixture, MINIMAL_IMAGE } from '../support/qemu-fixture.ts'
import { never, QUICK_STOP, type DriverSubject, type Told } from './driver-subject.ts'
import { GuestShell } from './guest-shell.ts'
import { TOLD_PATH } from './told-guest-conformance.ts'
import { describeVmDriver } from './vm-driver-conformance.ts'

describeVmDriver('qemu', { makeSubject, console: 'shell', readyDeadlineMs: 30_000 })

async function makeSubject(): Promise<DriverSubject> {
  const fixture = await makeQemuFixture()
  const roomFolder = join(fixture.folder, 'mounted')
  const homeOf = (homeId: HomeId) => homeImagePath(fixture.options.homesDirectory, homeId)
  return {
    driver: fixture.driver,
    image: MINIMAL_IMAGE,
    restart: () => fixture.restart(),
    crash: (record) => hurt(record, 'SIGKILL'),
    freeze: (record) => hurt(record, 'SIGSTOP'),
    // The image starts no agent without its home; a home without a superblock cannot be mounted.
    silence: (spec) => eraseStart(homeOf(spec.homeId)),
    leaveInHome: (homeId, text) => leaveInHome(homeOf(homeId), text),
    lookIntoHome: (homeId) => lookIntoHome(homeOf(homeId)),
    toldTo: (record) => toldTo(record),
    changeTold: (record) => changeTold(fixture.driver, record),
    readFromView: (imagePath) => readFromView(fixture.driver, imagePath, roomFolder),
    scratchDirectory: join(fixture.folder, 'scratch'),
    roomFolder,
    dieFilling: (homeId) => dieFilling(fixture.folder, homeOf(homeId)),
    expectNothingOpen: () => expectNothingOpen(fixture.folder),
    remove: async () => {
      // Tests that failed leave theirs.
      const { boots } = await fixture.driver.survey(never)
      for (const { record } of boots) await fixture.driver.stopGuest(record, QUICK_STOP)
      await fixture.remove()
    },
  }
}

async function hurt(record: BootRecord, signal: SignalName): Promise<void> {
  const process = await findGuest(record)
  if (process === undefined) throw new Error('There is no guest to hurt.')
  await signalProcess(process, signal)
  if (signal === 'SIGKILL') await waitUntilGone(process, { timeoutMs: 5_000 })
}

async function eraseStart(path: string): Promise<void> {
  const file = await open(path, 'r+')
  await file.write(Buffer.alloc(65_536), 0, 65_536, 0)
  await file.close()
}

async function leaveInHome(image: string, text: string): Promise<void> {
  await writeFile(`${image}.text`, text)
  await runProgram({ file: 'debugfs', args: ['-w', '-R', `write ${image}.text note`, image], timeoutMs: 10_000 })
  await rm(`${image}.text`)
}

async function lookIntoHome(image: string): Promise<{ sizeMiB: number; text: string }> {
  const note = await runProgram({ file: 'debugfs', args: ['-R', 'cat note', image], timeoutMs: 10_000 })
  const facts = (await runProgram({ file: 'dumpe2fs', args: ['-h', image], timeoutMs: 10_000 })).stdout.toString()
  const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+)$`, 'm').exec(facts)?.[1])
  return { sizeMiB: (field('Block count') * field('Block size')) / 1024 / 1024, text: note.stdout.toString() }
}

async function readFromView(driver: VmDriver, imagePath: string, folder: string): Promise<string> {
  const tree = await driver.openViewTree({ imagePath } as HomeView, { folder, signal: never })
  try {
    return await readFile(join(tree.path, 'note'), 'utf8')
  } finally {
    await tree.close()
  }
}

async function dieFilling(folder: string, imagePath: string): Promise<void> {
  const daemon = await heldDaemon(join(folder, 'orders.json'), { what: 'hold_fresh_home', folder, imagePath })
  expect(await loopDeviceOf(imagePath)).toBeDefined()
  await daemon.kill()
}

async function expectNothingOpen(folder: string): Promise<void> {
  const working = () =>
    processesWith((words) => words.some((word) => word.includes(folder)) && !words.includes('-name'))
  await expect.poll(working, { timeout: 5_000 }).toEqual([])
  expect(await readFile('/proc/self/mountinfo', 'utf8')).not.toContain(folder)
  for (const name of await readdir(join(folder, 'homes')))
    if (name.endsWith('.img')) expect(await loopDeviceOf(join(folder, 'homes', name)), name).toBeUndefined()
}

/** The command that was told says on the console what it sees; see `TELLING`. */
async function toldTo({ journalPath }: BootRecord): Promise<Told> {
  const said = /TOLD\[([A-Za-z0-9+/=]*)\|([A-Za-z0-9+/=]*)\]/
  await expect.poll(() => readFile(journalPath, 'latin1'), { timeout: 20_000 }).toMatch(said)
  const [, environment = '', file = ''] = said.exec(await readFile(journalPath, 'latin1')) ?? []
  const decoded = (text: string) => Buffer.from(text, 'base64').toString('utf8')
  const variables = decoded(environment)
    .split('\0')
    .map((one): [string, string] => [one.slice(0, one.indexOf('=')), one.slice(one.indexOf('=') + 1)])
  return { variables: Object.fromEntries(variables), files: { [TOLD_PATH]: decoded(file) } }
}

async function changeTold(driver: VmDriver, record: BootRecord): Promise<void> {
  const shell = await GuestShell.open(driver, record)
  const told = '/run/pilothouse/startup'
  await shell.run(`echo changed > ${told}/files/${TOLD_PATH}; echo "file-$((1+1))"`, ['Read-only', 'file-2'])
  await shell.run(`rm -rf ${told}/files; echo "gone-$((1+1))"`, ['Read-only', 'gone-2'])
  await shell.run('dd if=/dev/zero of=/dev/vdb bs=512 count=1; echo "disk-$((1+1))"', ['error', 'disk-2'])
  await shell.run(`mount -o remount,rw ${told}; echo changed > ${told}/command; echo "own-$((1+1))"`, ['own-2'])
  shell.close()
}
