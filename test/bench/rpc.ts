import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { connectDaemonSocket, type DaemonLink } from '../../src-main/fleet/daemon-link.ts'
import { systemClock, systemRandom } from '../../src-main/lib/clock.ts'
import { startTestHost, type TestHost } from '../support/private-host.ts'
import { linkTo, newContext, TEST_ACTOR } from '../support/ssh-link.ts'
import type { Bench } from './lib/bench-deps.ts'
import { negotiatedCipher } from './lib/negotiated-cipher.ts'
import { openOpenSshTunnel } from './lib/openssh-tunnel.ts'
import { runPaired, type BenchLine } from './lib/paired-run.ts'
import { quantile } from './lib/statistics.ts'

const PAIRS = 25
/** Enough for the runtime to have compiled both paths. */
const WARM_UPS = 15
/** Calls in one measurement; a measurement is their 50th percentile. */
const CALLS = 400

/** One after the other on one kept-alive connection, as a person's clicks are. */
async function medianCallMs(link: DaemonLink, all: number[]): Promise<number> {
  const times: number[] = []
  for (let index = 0; index < CALLS; index += 1) {
    const options = newContext()
    const startedAt = performance.now()
    await link.client.environments.list({}, options)
    times.push(performance.now() - startedAt)
  }
  all.push(...times)
  return quantile(times, 0.5)
}

interface Links {
  readonly host: TestHost
  readonly tunnelSocket: string
  readonly cipher: string
}

async function measure({ host, tunnelSocket, cipher }: Links, options: Parameters<Bench>[0]): Promise<BenchLine> {
  const ours = await linkTo(host, 'admin')
  const deps = { clock: systemClock, random: systemRandom, claimedActor: TEST_ACTOR }
  const reference = await connectDaemonSocket(tunnelSocket, deps)
  const times = { ours: [] as number[], reference: [] as number[] }
  try {
    return await runPaired({
      bench: 'rpc',
      metric: 'p50_ratio',
      pairs: options.pairs ?? PAIRS,
      warmUps: WARM_UPS,
      measuredIn: 'ms (p50 of a call)',
      reference: () => medianCallMs(reference, times.reference),
      ours: () => medianCallMs(ours, times.ours),
      onProgress: options.onProgress,
      details: () => ({
        call: 'environments.list',
        callsPerMeasurement: CALLS,
        cipher,
        p99: { ours: p99(times.ours), reference: p99(times.reference) },
      }),
    })
  } finally {
    ours.dispose()
    reference.dispose()
  }
}

function p99(times: readonly number[]): number {
  return Number(quantile(times, 0.99).toPrecision(3))
}

/**
 * A small call through our tunnel (ssh2, in this process) ÷ the same call through OpenSSH's `ssh -L` to the same
 * socket of the same daemon: same client code, ciphers and socket options, one kept-alive connection each.
 */
export const benchRpc: Bench = async (options) => {
  const folder = await mkdtemp(join(tmpdir(), 'pilothouse-bench-'))
  const host = await startTestHost({ settings: { logLevel: 'info' } })
  try {
    const cipher = await negotiatedCipher(host)
    const tunnel = await openOpenSshTunnel(host, folder, cipher)
    try {
      return [await measure({ host, tunnelSocket: tunnel.localSocket, cipher: tunnel.cipher }, options)]
    } finally {
      await tunnel.close()
    }
  } finally {
    await host.dispose()
    await rm(folder, { recursive: true, force: true })
  }
}
