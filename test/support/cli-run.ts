import { PassThrough, Writable } from 'node:stream'
import { systemClock } from '../../src-main/lib/clock.ts'
import type { CliDeps, DaemonSession, DaemonTarget, HeadPins, HostRoster } from '../../src-main/shell/cli/ports.ts'
import { runCli } from '../../src-main/shell/cli/run.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Clock, RandomSource } from '../../src-shared/lib/clock.ts'
import { claimedActorSchema } from '../../src-shared/model/ids.ts'

/** A stream that keeps what was written to it. */
export class Kept extends Writable {
  isTTY = false
  private readonly parts: Buffer[] = []

  override _write(chunk: Buffer | string, _encoding: string, done: () => void): void {
    this.parts.push(Buffer.from(chunk))
    done()
  }

  get bytes(): Buffer {
    return Buffer.concat(this.parts)
  }

  get text(): string {
    return this.bytes.toString('utf8')
  }
}

/** A keyboard: what a test types is read as from a terminal. */
export class Keyboard extends PassThrough {
  isTTY = false
  isRaw = false

  setRawMode(isRaw: boolean): this {
    this.isRaw = isRaw
    return this
  }
}

export interface CliWorld {
  readonly openSession?: (target: DaemonTarget, signal: AbortSignal) => Promise<DaemonSession>
  readonly hostRoster?: HostRoster
  readonly headPins?: HeadPins
  readonly env?: Readonly<Record<string, string>>
  readonly isTerminal?: boolean
  readonly signal?: AbortSignal
  readonly clock?: Clock
}

const NO_HOSTS: HostRoster = {
  list: () => [],
  add: () => refuse(),
  remove: () => refuse(),
  fetchKey: () => Promise.reject(unreachable()),
  acceptKey: () => Promise.reject(unreachable()),
}

const NO_PINS: HeadPins = { list: () => [], pin: () => undefined }

function unreachable(): PilothouseError {
  return new PilothouseError('host_unreachable', 'This test has no host.')
}

function refuse(): never {
  throw unreachable()
}

/** Ids that are the same in every run, so that two runs send the same requests. */
export function countingRandom(): RandomSource {
  let count = 0
  return { hex: (bytes) => String(++count).padStart(bytes * 2, '0'), fraction: () => 0 }
}

export interface CliRun {
  readonly stdout: Kept
  readonly stderr: Kept
  readonly stdin: Keyboard
  readonly status: Promise<number>
}

/** Starts one command line in a world of the test's own. */
export function startCli(words: readonly string[], world: CliWorld = {}): CliRun {
  const io = { stdin: new Keyboard(), stdout: new Kept(), stderr: new Kept() }
  for (const stream of Object.values(io)) stream.isTTY = world.isTerminal === true
  const deps: CliDeps = {
    io: io as unknown as CliDeps['io'],
    env: world.env ?? {},
    version: '0.0.0-test',
    clock: world.clock ?? systemClock,
    random: countingRandom(),
    claimedActor: claimedActorSchema.parse('tester@bench'),
    signal: world.signal ?? new AbortController().signal,
    openSession: world.openSession ?? (() => Promise.reject(unreachable())),
    openHostRoster: () => world.hostRoster ?? NO_HOSTS,
    openHeadPins: () => world.headPins ?? NO_PINS,
  }
  return { ...io, status: runCli(words, deps) }
}

/** Runs one command line to its end. */
export async function cli(
  words: readonly string[],
  world: CliWorld = {},
): Promise<{ status: number; stdout: string; stderr: string }> {
  const run = startCli(words, world)
  const status = await run.status
  return { status, stdout: run.stdout.text, stderr: run.stderr.text }
}
