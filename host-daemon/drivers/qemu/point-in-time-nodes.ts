import { z } from 'zod'
import type { Clock } from '../../../src-shared/lib/clock.ts'
import { startStopwatch } from '../../system/clock.ts'
import { QmpRefusal, type QmpClient } from './qmp-client.ts'

/** What a view is called inside QEMU, whichever daemon made it: one at a time per guest. */
const SCRATCH = 'home-view-scratch'
const FILTER = 'home-view-filter'
const VIEW = 'home-view'
/** The export's name on its socket. */
export const EXPORT_NAME = 'home'
/** The backend of the home's disk; see `homeDevices`. */
const HOME_DEVICE = 'home'
/** A guest's write waits this long, in seconds, for the scratch file; then the view breaks, and the guest goes on. */
const COPY_TIMEOUT_S = 10
/** An export is taken down behind its answer. */
const LET_GO_MS = 10_000
const POLL_MS = 10

const devicesSchema = z.array(
  z.looseObject({
    device: z.string(),
    qdev: z.string().optional(),
    inserted: z
      .looseObject({
        'node-name': z.string(),
        file: z.string(),
        image: z.looseObject({ 'virtual-size': z.int().positive() }),
      })
      .optional(),
  }),
)
const nodesSchema = z.array(z.looseObject({ 'node-name': z.string(), drv: z.string(), file: z.string() }))
const exportsSchema = z.array(z.looseObject({ id: z.string() }))

/** The home's disk as QEMU has it. */
export interface HomeDisk {
  /** QEMU's path of the guest's device. */
  readonly device: string
  /** The node that the device reads and writes now. */
  readonly node: string
  readonly file: string
  readonly bytes: number
}

export async function findHomeDisk(monitor: QmpClient): Promise<HomeDisk> {
  const devices = devicesSchema.parse(await monitor.execute('query-block'))
  const home = devices.find(({ device }) => device === HOME_DEVICE)
  if (home?.qdev === undefined || home.inserted === undefined) throw new Error('QEMU has no disk with the home.')
  const { 'node-name': node, file, image } = home.inserted
  return { device: home.qdev, node, file, bytes: image['virtual-size'] }
}

/** Everything that may fail and takes time is done here, before the guest is frozen. */
export async function prepareView(monitor: QmpClient, disk: HomeDisk, scratchFile: string): Promise<void> {
  await monitor.execute('blockdev-add', {
    ...{ driver: 'raw', 'node-name': SCRATCH },
    file: { driver: 'file', filename: scratchFile, discard: 'unmap' },
  })
  await monitor.execute('blockdev-add', {
    ...{ driver: 'copy-before-write', 'node-name': FILTER, file: disk.node, target: SCRATCH },
    // The view may break, the guest never: a full disk under the scratch file is not the guest's.
    ...{ 'on-cbw-error': 'break-snapshot', 'cbw-timeout': COPY_TIMEOUT_S },
  })
}

/** The moment of the view. From now on what the guest overwrites is kept aside first. */
export async function beginView(monitor: QmpClient, disk: HomeDisk): Promise<void> {
  await monitor.execute('qom-set', { path: disk.device, property: 'drive', value: FILTER })
}

/** Offers the view, read-only, on a socket that only the guest's uid and the daemon can reach. */
export async function exportView(monitor: QmpClient, socket: string): Promise<void> {
  await monitor.execute('blockdev-add', { driver: 'snapshot-access', 'node-name': VIEW, file: FILTER })
  await monitor.execute('nbd-server-start', { addr: { type: 'unix', data: { path: socket } } })
  const what = { id: VIEW, 'node-name': VIEW, name: EXPORT_NAME, writable: false }
  await monitor.execute('block-export-add', { type: 'nbd', ...what })
}

/**
 * Takes away whatever there is of a view, in whatever state it was left, and gives the guest its disk back; nothing where
 * there is none. Throws when something of it stays.
 */
export async function removeView(monitor: QmpClient, clock: Clock): Promise<void> {
  if (!(await hasView(monitor))) return
  await removeExport(monitor, clock)
  await unlessRefused(monitor.execute('nbd-server-stop'))
  await untilTaken(() => removeNode(monitor, VIEW), clock)
  await returnDisk(monitor)
  await untilTaken(() => removeNode(monitor, FILTER), clock)
  await untilTaken(() => removeNode(monitor, SCRATCH), clock)
}

export async function hasView(monitor: QmpClient): Promise<boolean> {
  const [nodes, exports] = [await nodesOf(monitor), await exportsOf(monitor)]
  return exports.length > 0 || nodes.some(({ 'node-name': name }) => [SCRATCH, FILTER, VIEW].includes(name))
}

async function removeExport(monitor: QmpClient, clock: Clock): Promise<void> {
  await unlessRefused(monitor.execute('block-export-del', { id: VIEW, mode: 'hard' }))
  await untilTaken(async () => !(await exportsOf(monitor)).some(({ id }) => id === VIEW), clock)
}

async function returnDisk(monitor: QmpClient): Promise<void> {
  const disk = await findHomeDisk(monitor)
  if (disk.node !== FILTER) return
  const own = (await nodesOf(monitor)).find(({ drv, file }) => drv === 'raw' && file === disk.file)
  if (own === undefined) throw new Error('QEMU does not say which node the home is.')
  await monitor.execute('qom-set', { path: disk.device, property: 'drive', value: own['node-name'] })
}

/** False where it is in use, still. */
async function removeNode(monitor: QmpClient, name: string): Promise<boolean> {
  const isThere = async () => (await nodesOf(monitor)).some((node) => node['node-name'] === name)
  if (!(await isThere())) return true
  await unlessRefused(monitor.execute('blockdev-del', { 'node-name': name }))
  return !(await isThere())
}

async function untilTaken(isGone: () => Promise<boolean>, clock: Clock): Promise<void> {
  const elapsedMs = startStopwatch(clock)
  while (!(await isGone())) {
    if (elapsedMs() >= LET_GO_MS) throw new Error("QEMU does not let go of the home's view.")
    await clock.sleep(POLL_MS)
  }
}

async function nodesOf(monitor: QmpClient) {
  return nodesSchema.parse(await monitor.execute('query-named-block-nodes', { flat: true }))
}

async function exportsOf(monitor: QmpClient) {
  return exportsSchema.parse(await monitor.execute('query-block-exports'))
}

async function unlessRefused(answer: Promise<unknown>): Promise<void> {
  await answer.catch((error: unknown) => {
    if (!(error instanceof QmpRefusal)) throw error
  })
}
