import { writeSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { whileFrozen } from '../../host-daemon/drivers/qemu/point-in-time-freeze.ts'
import { createQemuDriver } from '../../host-daemon/drivers/qemu/qemu-driver.ts'
import type { BootRecord } from '../../host-daemon/drivers/vm-driver.ts'
import { createImageCatalogue } from '../../host-daemon/images/catalogue.ts'
import { runProgram } from '../../host-daemon/system/child.ts'
import { SystemClock } from '../../host-daemon/system/clock.ts'
import { withFreshHomeMounted } from '../../host-daemon/system/fresh-home.ts'
import { SystemRandom } from '../../host-daemon/system/random.ts'
import type { HomeViewOrders } from './held-daemon.ts'

const never = new AbortController().signal
const orders = JSON.parse(await readFile(process.argv[2] ?? '', 'utf8')) as HomeViewOrders
const { folder } = orders

/** Says where it is, and stays there. */
async function stay(): Promise<void> {
  writeSync(1, 'held\n')
  await new Promise((resolve) => setTimeout(resolve, 600_000))
}

async function holdView(record: BootRecord): Promise<void> {
  const driver = await createQemuDriver({
    runDirectory: `${folder}/run`,
    homesDirectory: `${folder}/homes`,
    journalDirectory: `${folder}/journals`,
    images: createImageCatalogue(folder),
    clock: new SystemClock(),
    random: new SystemRandom(),
    accelerator: 'auto',
    logger: { info: () => undefined, warn: () => undefined },
  })
  const view = await driver.openHomeView(record, { scratchDirectory: `${folder}/scratch`, signal: never })
  await driver.openViewTree(view, { folder: `${folder}/mounted`, signal: never })
  await stay()
}

async function holdFreshHome(imagePath: string): Promise<void> {
  await withFreshHomeMounted(imagePath, { folder: `${folder}/fresh`, signal: never }, async (home) => {
    const [file, ...args] = home.within(['sleep', '601'])
    void runProgram({ file, args, timeoutMs: 601_000 }).catch(() => undefined)
    await stay()
  })
}

if (orders.what === 'hold_fresh_home') await holdFreshHome(orders.imagePath)
else if (orders.what === 'hold_view') await holdView(orders.record)
else await whileFrozen(orders.record, { random: new SystemRandom(), clock: new SystemClock() }, stay)
