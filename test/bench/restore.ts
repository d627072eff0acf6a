import { randomBytes } from 'node:crypto'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hostTscKhz } from '../../host-daemon/drivers/qemu/accelerator.ts'
import type { Accelerator } from '../../host-daemon/drivers/qemu/qemu-arguments.ts'
import { createImageCatalogue } from '../../host-daemon/images/catalogue.ts'
import type { DaemonLink } from '../../src-main/fleet/daemon-link.ts'
import type { EnvironmentName, ImageRef, OwnerName, RecoveryPointRef } from '../../src-shared/model/ids.ts'
import type { Operation, StepEntry } from '../../src-shared/model/operation.ts'
import { putTree } from '../support/known-trees.ts'
import { startTestHost, type TestHost } from '../support/private-host.ts'
import { linkTo, newCommandId, newContext } from '../support/ssh-link.ts'
import { measureBareReboot } from './lib/bare-qemu.ts'
import { measureBareRestore } from './lib/bare-restore.ts'
import type { Bench } from './lib/bench-deps.ts'
import { benchLine, measurePairs, type BenchLine } from './lib/paired-run.ts'
import { comparePairs } from './lib/statistics.ts'

const PAIRS = 7
const SIZE = { cpus: 1, memoryMiB: 128, homeMiB: 1024 }
const IMAGE = 'minimal@1' as ImageRef
const OWNER = 'local' as OwnerName
const NAME = 'restored' as EnvironmentName
const LATEST = 'latest' as RecoveryPointRef
const FILES = 2_000
const BYTES_PER_FILE = 110_000
const OPERATION_DEADLINE_MS = 300_000

/** What one restore took, each in milliseconds; by hand there are no checks, and a reboot stands for the downtime. */
interface Times {
  readonly restoreMs: number
  readonly wallMs: number
  readonly downtimeMs: number
}

const hex = (bytes: number): string => randomBytes(bytes).toString('hex')

async function succeeded({ client }: DaemonLink, { id }: Operation): Promise<Operation> {
  const ended = await client.operations.wait({ id, timeoutMs: OPERATION_DEADLINE_MS }, newContext())
  if (ended.status.kind === 'succeeded') return ended
  throw new Error(`${ended.kind} ended as ${JSON.stringify(ended.status)}`)
}

/** A running environment whose home holds the files, and one recovery point of it; its id. */
async function prepare(host: TestHost, link: DaemonLink): Promise<string> {
  const { client } = link
  const command = () => ({ commandId: newCommandId(), environment: NAME })
  const input = { commandId: newCommandId(), name: NAME, owner: OWNER, image: IMAGE, size: SIZE }
  await succeeded(link, await client.environments.spawn(input, newContext()))
  await succeeded(link, await client.environments.stop(command(), newContext()))
  const { home } = await client.environments.get({ environment: NAME }, newContext())
  await fillHome(join(host.host.layout.state, 'homes', `${home.id}.img`))
  await succeeded(link, await client.environments.start(command(), newContext()))
  await succeeded(link, await client.backups.now(command(), newContext()))
  const [point] = await client.backups.points({ environment: NAME }, newContext())
  if (point === undefined) throw new Error('The backup made no point')
  return point.id
}

async function fillHome(image: string): Promise<void> {
  const root = await mkdtemp(join(image, '..', '..', 'bench-tree-'))
  try {
    for (let index = 0; index < FILES; index += 1) {
      const folder = join(root, `d${index % 20}`)
      await mkdir(folder, { recursive: true })
      await writeFile(join(folder, `f${index}`), randomBytes(BYTES_PER_FILE))
    }
    await putTree(image, root)
  } finally {
    await rm(root, { recursive: true, force: true })
  }
}

/** One whole restore, by the daemon's own journal of its steps. */
async function measureOurs(link: DaemonLink): Promise<Times> {
  const { client } = link
  const { ticket } = await client.restore.plan({ environment: NAME, point: LATEST }, newContext())
  const input = { commandId: newCommandId(), environment: NAME, ticket: ticket.id, confirmName: NAME }
  const ended = await succeeded(link, await client.restore.run(input, newContext()))
  const steps = await client.operations.steps({ id: ended.id }, newContext())
  const between = (from: string, to: string) => endOf(steps, to) - stepOf(steps, from).startedAt
  return {
    restoreMs: between('make_home', 'restore'),
    wallMs: endOf(steps, 'verify') - ended.requestedAt,
    downtimeMs: between('stop_guest', 'await_ready'),
  }
}

function stepOf(steps: readonly StepEntry[], name: string): StepEntry {
  const found = steps.find(({ step, direction }) => step === name && direction === 'forward')
  if (found === undefined) throw new Error(`The restore had no step ${name}`)
  return found
}

function endOf(steps: readonly StepEntry[], name: string): number {
  return stepOf(steps, name).endedAt ?? Number.NaN
}

async function byHand(host: TestHost, link: DaemonLink, point: string): Promise<() => Promise<Times>> {
  const { state } = host.host.layout
  const folder = join(state, 'bench')
  await mkdir(folder, { mode: 0o711 })
  const { id } = await link.client.environments.get({ environment: NAME }, newContext())
  const [cache = ''] = await readdir(join(state, 'restic-caches'))
  const restore = {
    folder,
    homeMiB: SIZE.homeMiB,
    repository: join(state, 'repositories', id),
    passwordFile: join(state, 'repository-password'),
    cacheDirectory: join(state, 'restic-caches', cache),
    point,
  }
  const image = await createImageCatalogue(join(state, 'images')).resolve(IMAGE)
  const guest = { folder, image, accelerator: await acceleratorOf(link), size: SIZE }
  return async () => {
    const restoreMs = await measureBareRestore(restore)
    return { restoreMs, wallMs: restoreMs, downtimeMs: await measureBareReboot(guest, hex) }
  }
}

async function acceleratorOf(link: DaemonLink): Promise<Accelerator> {
  const kind = link.info.drivers.find((driver) => driver.kind === 'qemu')?.accelerator.kind
  return kind === 'kvm' ? { kind } : { kind: 'tcg', tscKhz: await hostTscKhz() }
}

async function measure(host: TestHost, link: DaemonLink, options: Parameters<Bench>[0]): Promise<BenchLine[]> {
  const point = await prepare(host, link)
  const reference = await byHand(host, link, point)
  const ours = () => measureOurs(link)
  const pairs = options.pairs ?? PAIRS
  options.onProgress('warming up')
  await reference()
  await ours()
  options.onProgress(`by hand against itself, ${pairs} pairs`)
  const alone = await measurePairs(pairs, reference, reference)
  options.onProgress(`ours against by hand, ${pairs} pairs`)
  const both = await measurePairs(pairs, reference, ours)
  const metrics = { restore_ratio: 'restoreMs', wall_ratio: 'wallMs', downtime_ratio: 'downtimeMs' } as const
  return Object.entries(metrics).map(([metric, field]) => {
    const only = (list: typeof both) =>
      list.map((pair) => ({ reference: pair.reference[field], ours: pair.ours[field] }))
    const details = { files: FILES, bytes: FILES * BYTES_PER_FILE, size: SIZE }
    const self = comparePairs(only(alone))
    return benchLine({ bench: 'restore', metric, measuredIn: 'ms', measured: only(both), self, details })
  })
}

/**
 * `restore_ratio`: make the home and restore into it, to the last fsync ÷ the same by hand. `wall_ratio`: from the
 * confirmation until the new home is verified ÷ the same by hand. `downtime_ratio`: from the end of the old guest until
 * the new one is ready ÷ power-off and boot of the same guest by QEMU alone.
 */
export const benchRestore: Bench = async (options) => {
  const backups = { intervalMinutes: null, checkIntervalHours: null, pruneIntervalHours: null }
  const host = await startTestHost({ image: 'minimal', settings: { logLevel: 'info', backups } })
  try {
    const link = await linkTo(host, 'admin')
    try {
      return await measure(host, link, options)
    } finally {
      link.dispose()
    }
  } finally {
    await host.dispose()
  }
}
