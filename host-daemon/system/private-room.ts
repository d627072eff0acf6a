import { mkdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { shownWords } from '../../src-shared/lib/foreign-words.ts'
import { runProgram, type ProgramRequest, type ProgramResult } from './child.ts'
import { identifyProcess, processArguments, type ProcessIdentity } from './processes.ts'

const PROGRAM_TIMEOUT_MS = 30_000
const OPEN_TIMEOUT_MS = 20_000
const POLL_MS = 5
const SAID_CHARACTERS = 500
/** As long as a timer can be; what serves is ended by its caller. */
const UNTIL_ENDED_MS = 2 ** 31 - 1
/** Of what is laid into a room: small files and mount points. */
const ROOM_SIZE = '4m'

/** A program that runs until it is stopped. It dies with the daemon. */
export interface Service {
  /** Never resolves. Rejects when it ended without being told to. */
  readonly failed: Promise<never>
  /** Resolves when its process is gone; idempotent; never rejects. */
  stop(): Promise<void>
}

export interface RoomOptions {
  /** Absolute; made where it is absent. Inside the room there is a small folder in memory in its place. */
  readonly folder: string
  readonly signal: AbortSignal
}

/**
 * A mount namespace of our own. Nothing that is mounted in it is seen outside, and the kernel undoes all of it when the
 * last process in it is gone; all of them die with the daemon. Nobody has to clean up after one, whoever was killed.
 */
export class PrivateRoom {
  readonly folder: string
  private readonly keeper: Service
  private readonly pid: number
  private readonly services: Service[] = []

  private constructor(folder: string, keeper: Service & { readonly process: ProcessIdentity }) {
    this.folder = folder
    this.keeper = keeper
    this.pid = keeper.process.pid
  }

  /** Leaves nothing behind when it rejects. */
  static async open({ folder, signal }: RoomOptions): Promise<PrivateRoom> {
    signal.throwIfAborted()
    await mkdir(folder, { recursive: true, mode: 0o711 })
    const room = new PrivateRoom(folder, await startKeeper(signal))
    try {
      const options = `mode=0755,nosuid,size=${ROOM_SIZE}`
      await room.mount(['-t', 'tmpfs', '-o', options, '--', 'pilothouse-room', folder], signal)
      return room
    } catch (error) {
      await room.close()
      throw error
    }
  }

  /** The same place by a path that the daemon itself can use. */
  seenFromOutside(path: string): string {
    return join(`/proc/${this.pid}/root`, path)
  }

  /** The kernel's table of what is mounted in the room. */
  get mountTable(): string {
    return `/proc/${this.pid}/mountinfo`
  }

  /** Runs a program in the room to its end, with the daemon's rights. `workingDirectory` is a path in the room. */
  async run({ workingDirectory = '/', ...request }: ProgramRequest): Promise<ProgramResult> {
    const [file, ...args] = this.within([request.file, ...request.args], workingDirectory)
    return await runProgram({ ...request, file, args })
  }

  /** Pure: what to start instead of `program`, so that it runs in the room, as the same process. */
  within(program: readonly string[], workingDirectory = '/'): [string, ...string[]] {
    return ['nsenter', '--target', String(this.pid), '--mount', '--', 'env', `--chdir=${workingDirectory}`, ...program]
  }

  async mount(args: readonly string[], signal: AbortSignal): Promise<void> {
    await this.run({ file: 'mount', args, timeoutMs: PROGRAM_TIMEOUT_MS, signal })
  }

  /** Starts a program that runs on in the room, until it is stopped or the room closed. */
  serve(request: Omit<ProgramRequest, 'timeoutMs' | 'signal'>): Service {
    const service = startService((bounds) => this.run({ ...request, ...bounds }), request.file)
    this.services.push(service)
    return service
  }

  /** Ends everything in the room; resolves when it is gone with all its mounts. Idempotent; never rejects. */
  async close(): Promise<void> {
    for (const service of this.services.splice(0).reverse()) await service.stop()
    await this.keeper.stop()
  }
}

type Bounds = Pick<ProgramRequest, 'timeoutMs'> & { readonly signal: AbortSignal }

function startService(start: (bounds: Bounds) => Promise<ProgramResult>, name: string): Service {
  const ending = new AbortController()
  const ended = start({ timeoutMs: UNTIL_ENDED_MS, signal: ending.signal }).then(({ stdout, stderr }): never => {
    const says = `${stdout.toString('utf8')}${stderr}`.trim().split('\n').at(-1) ?? ''
    throw new Error(`${name} ended by itself${says === '' ? '.' : `: ${shownWords(says, SAID_CHARACTERS)}`}`)
  })
  // Whoever waits for it hears of it; where nobody does, stopping it is no failure.
  ended.catch(() => undefined)
  const stop = async (): Promise<void> => {
    ending.abort(new Error(`${name} was stopped.`))
    await ended.catch(() => undefined)
  }
  return { failed: ended, stop }
}

/** A process that does nothing but hold the namespace open. */
async function startKeeper(signal: AbortSignal): Promise<Service & { readonly process: ProcessIdentity }> {
  const started = Promise.withResolvers<ProcessIdentity>()
  const args = ['--mount', '--propagation', 'private', '--', 'sleep', 'infinity']
  const keeper = startService(
    (bounds) => runProgram({ file: 'unshare', args, onStarted: started.resolve, ...bounds }),
    'unshare',
  )
  try {
    const process = await Promise.race([started.promise, keeper.failed])
    await Promise.race([untilInside(process, signal), keeper.failed])
    return { ...keeper, process }
  } catch (error) {
    await keeper.stop()
    throw error
  }
}

/** `unshare` becomes `sleep` only after the namespace is made and private. */
async function untilInside(process: ProcessIdentity, signal: AbortSignal): Promise<void> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(OPEN_TIMEOUT_MS)])
  while ((await processArguments(process.pid))?.[0] !== 'sleep') {
    if ((await identifyProcess(process.pid)) === undefined) throw new Error('The private room could not be made.')
    await delay(POLL_MS, undefined, { signal: bounded })
  }
  const [own, its] = await Promise.all([readlink('/proc/self/ns/mnt'), readlink(`/proc/${process.pid}/ns/mnt`)])
  if (own === its) throw new Error('The private room has the mounts of the host.')
}
