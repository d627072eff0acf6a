import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { hostTscKhz } from '../../host-daemon/drivers/qemu/accelerator.ts'
import type { Accelerator } from '../../host-daemon/drivers/qemu/qemu-arguments.ts'
import { createImageCatalogue } from '../../host-daemon/images/catalogue.ts'
import type { DaemonLink } from '../../src-main/fleet/daemon-link.ts'
import type { EnvironmentName, ImageRef, OwnerName } from '../../src-shared/model/ids.ts'
import type { Operation } from '../../src-shared/model/operation.ts'
import { startTestHost, type TestHost } from '../support/private-host.ts'
import { linkTo, newCommandId, newContext } from '../support/ssh-link.ts'
import { measureBareQemu } from './lib/bare-qemu.ts'
import type { Bench } from './lib/bench-deps.ts'
import { runPaired } from './lib/paired-run.ts'
import { quantile } from './lib/statistics.ts'

const PAIRS = 15
const WARM_UPS = 2
const SIZE = { cpus: 1, memoryMiB: 128, homeMiB: 256 }
const IMAGE = 'minimal@1' as ImageRef
const OWNER = 'local' as OwnerName
const OPERATION_DEADLINE_MS = 150_000

function hex(bytes: number): string {
  return randomBytes(bytes).toString('hex')
}

async function succeeded(link: DaemonLink, accepted: Operation): Promise<void> {
  const { status } = await link.client.operations.wait(
    { id: accepted.id, timeoutMs: OPERATION_DEADLINE_MS },
    newContext(),
  )
  if (status.kind === 'succeeded') return
  throw new Error(
    `${accepted.kind} ended as ${status.kind}${status.kind === 'failed' ? `: ${status.failure.message}` : ''}`,
  )
}

/** From the call to the end of its operation, which is when the guest is ready; cleaned up after the clock has stopped. */
async function measureSpawn(link: DaemonLink): Promise<number> {
  const name = `bench-${hex(4)}` as EnvironmentName
  const startedAt = performance.now()
  const input = { commandId: newCommandId(), name, owner: OWNER, image: IMAGE, size: SIZE }
  await succeeded(link, await link.client.environments.spawn(input, newContext()))
  const tookMs = performance.now() - startedAt
  await destroy(link, name)
  return tookMs
}

async function destroy({ client, ...link }: DaemonLink, environment: EnvironmentName): Promise<void> {
  const { ticket } = await client.environments.destroy.plan({ environment }, newContext())
  const input = { commandId: newCommandId(), environment, ticket: ticket.id, confirmName: environment }
  await succeeded({ client, ...link }, await client.environments.destroy.run(input, newContext()))
}

async function acceleratorOf(link: DaemonLink): Promise<Accelerator> {
  const kind = link.info.drivers.find((driver) => driver.kind === 'qemu')?.accelerator.kind
  return kind === 'kvm' ? { kind } : { kind: 'tcg', tscKhz: await hostTscKhz() }
}

/** Where each of our milliseconds went, by the daemon's own journal of steps, is not timed here: see the daemon's log. */
async function measure(host: TestHost, link: DaemonLink, options: Parameters<Bench>[0]) {
  const folder = join(host.host.layout.state, 'bench')
  await mkdir(folder, { mode: 0o711 })
  const image = await createImageCatalogue(join(host.host.layout.state, 'images')).resolve(IMAGE)
  const accelerator = await acceleratorOf(link)
  const times: { ours: number[]; reference: number[] } = { ours: [], reference: [] }
  const noted = async (list: number[], measured: Promise<number>) => {
    const tookMs = await measured
    list.push(tookMs)
    return tookMs
  }
  return runPaired({
    bench: 'spawn',
    metric: 'ready_ratio',
    pairs: options.pairs ?? PAIRS,
    warmUps: WARM_UPS,
    measuredIn: 'ms (call to ready)',
    reference: () => noted(times.reference, measureBareQemu({ folder, image, accelerator, size: SIZE }, hex)),
    ours: () => noted(times.ours, measureSpawn(link)),
    onProgress: options.onProgress,
    details: () => ({
      accelerator: accelerator.kind,
      size: SIZE,
      image: IMAGE,
      fastest: { ours: Math.round(quantile(times.ours, 0)), reference: Math.round(quantile(times.reference, 0)) },
    }),
  })
}

/**
 * `environments.spawn` over SSH until its operation has succeeded ÷ the same guest by QEMU alone, home included:
 * same arguments, same image, same agent.
 */
export const benchSpawn: Bench = async (options) => {
  const host = await startTestHost({ image: 'minimal', settings: { logLevel: 'info' } })
  try {
    const link = await linkTo(host, 'admin')
    try {
      return [await measure(host, link, options)]
    } finally {
      link.dispose()
    }
  } finally {
    await host.dispose()
  }
}
