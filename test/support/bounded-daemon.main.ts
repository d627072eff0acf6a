import { chown } from 'node:fs/promises'
import { join } from 'node:path'
import { homeImagePath } from '../../host-daemon/drivers/qemu/handles.ts'
import { createQemuDriver } from '../../host-daemon/drivers/qemu/qemu-driver.ts'
import type { HomeTree } from '../../host-daemon/drivers/vm-driver.ts'
import { createImageCatalogue } from '../../host-daemon/images/catalogue.ts'
import { runProgram } from '../../host-daemon/system/child.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import { SystemRandom } from '../../host-daemon/system/random.ts'
import { bootIdSchema, environmentIdSchema, homeIdSchema, imageRefSchema } from '../../src-shared/model/ids.ts'

/** Everything that a restore does to a home and a backup reads of it, with whatever rights this process has. */
const GUEST_UID = 234_567
const folder = process.argv[2] ?? ''
const signal = new AbortController().signal
const [homes, tree] = [join(folder, 'homes'), { folder: join(folder, 'room'), signal }]

async function runIn(home: HomeTree, program: readonly string[]): Promise<string> {
  const [file, ...args] = home.within(program)
  return (await runProgram({ file, args, timeoutMs: 10_000 })).stdout.toString()
}

/** What only root can make, as a guest's root has it in its home. */
async function fill(home: HomeTree): Promise<void> {
  for (const program of [
    ['mkfifo', '-m', '0644', 'pipe'],
    ['mknod', '-m', '0600', 'device', 'b', '8', '0'],
    ['mkdir', 'shared'],
    ['cp', '/bin/true', 'program'],
    ['cp', '/bin/true', 'capable'],
    ['chown', '-h', '1000:1000', 'shared', 'program', 'pipe'],
    ['chmod', '2775', 'shared'],
    ['chmod', '6755', 'program'],
    ['chmod', '0755', 'capable'],
    ['setcap', 'cap_net_raw+ep', 'capable'],
  ])
    await runIn(home, program)
}

async function listOf(home: HomeTree): Promise<string[]> {
  const found = await runIn(home, ['find', '.', '-mindepth', '1', '-printf', '%p %y %m %U:%G\n'])
  const capable = await runIn(home, ['getcap', 'capable'])
  return [...found.trim().split('\n').sort(), capable.trim()]
}

const driver = await createQemuDriver({
  runDirectory: join(folder, 'run'),
  homesDirectory: homes,
  journalDirectory: join(folder, 'journals'),
  images: createImageCatalogue(folder),
  clock: new SystemClock(),
  random: new SystemRandom(),
  accelerator: 'tcg',
  logger: { info: () => undefined, warn: () => undefined },
})
const [homeId, bootId] = [homeIdSchema.parse('home-0000000000000001'), bootIdSchema.parse('boot-0000000000000001')]
const environmentId = environmentIdSchema.parse('env-00000001')
await driver.createHome(homeId, 64, signal)
await driver.fillHome(homeId, tree, fill)
const verified = await driver.verifyHome(homeId, tree, listOf)
await chown(homeImagePath(homes, homeId), GUEST_UID, GUEST_UID)
const record = driver.planBoot({
  ...{ environmentId, bootId, homeId, guestUid: GUEST_UID, startup: null },
  ...{ image: imageRefSchema.parse('minimal@1'), size: { cpus: 1, memoryMiB: 128, homeMiB: 64 } },
})
const view = await driver.openHomeView(record, { scratchDirectory: join(folder, 'scratch'), signal })
const opened = await driver.openViewTree(view, tree)
const viewed = await listOf(opened)
await opened.close()
await view.close()
await driver.destroyHome(homeId)
console.log(JSON.stringify({ verified, viewed }))
