import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import { chmod, cp, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { runProgram } from '../../../host-daemon/system/child.ts'
import { stateLayout } from '../../../host-daemon/system/state-directory.ts'
import { connectClient } from '../../support/edge.ts'
import {
  argumentsOf,
  killReport,
  orderKill,
  processesWith,
  withdrawKill,
  type KillOrder,
} from '../../support/kill-points.ts'
import { minimalImage } from '../../support/qemu-fixture.ts'
import { waitFor } from '../../support/wait-for.ts'

const ENTRY = join(import.meta.dirname, '../../support/killable-daemon.main.ts')
const START_MS = 30_000

export type Client = Awaited<ReturnType<typeof connectClient>>['client']

/** One real daemon of its own, with its own state and real guests, that can be killed where it is ordered to. */
export class Lane {
  readonly folder: string
  private child: ChildProcess | undefined
  private connection: Awaited<ReturnType<typeof connectClient>> | undefined

  private constructor(folder: string) {
    this.folder = folder
  }

  static async make(index: number, extra: Readonly<Record<string, unknown>> = {}): Promise<Lane> {
    const lane = new Lane(await mkdtemp(`/tmp/ph-lane-${index}-`))
    // Guests reach their own files below it under their own uid.
    await chmod(lane.folder, 0o711)
    const { imagesDirectory } = await minimalImage()
    await mkdir(lane.state, { recursive: true, mode: 0o711 })
    await cp(imagesDirectory, join(lane.state, 'images'), { recursive: true })
    await writeFile(lane.config, JSON.stringify({ ...lane.settings(index), ...extra }))
    await lane.start()
    return lane
  }

  get state(): string {
    return join(this.folder, 'state')
  }

  get layout() {
    return stateLayout(this.state)
  }

  get client(): Client {
    if (this.connection === undefined) throw new Error('The daemon of this lane is not running.')
    return this.connection.client
  }

  /** Answers once the daemon serves calls. */
  async start(): Promise<void> {
    const env = { PATH: process.env['PATH'], KILL_ORDERS: this.folder }
    const child = spawn(process.execPath, [ENTRY, 'run', '--config', this.config], {
      env,
      stdio: ['ignore', 'ignore', 'pipe'],
    })
    child.stderr.pipe(createWriteStream(join(this.folder, 'daemon.log'), { flags: 'a' }))
    this.child = child
    this.connection = await waitFor('the daemon to serve', () => this.tryConnect(child), START_MS)
  }

  /** What an order says happens when its point is reached. */
  order(order: KillOrder): void {
    orderKill(this.folder, order)
  }

  withdraw(): void {
    withdrawKill(this.folder)
  }

  report(): ReturnType<typeof killReport> {
    return killReport(this.folder)
  }

  isAlive(): boolean {
    return this.child?.exitCode === null && this.child.signalCode === null
  }

  /** Waits for the killed daemon to be gone. */
  async gone(): Promise<void> {
    const { child } = this
    if (child !== undefined && this.isAlive()) await once(child, 'exit')
    this.connection?.socket.close()
    this.connection = undefined
  }

  query<T>(sql: string, ...bindings: (string | number)[]): T[] {
    const db = new Sqlite(this.layout.database, { readonly: true })
    try {
      return db.prepare<unknown[], T>(sql).all(...bindings)
    } finally {
      db.close()
    }
  }

  /** Guests of this lane's daemon, whatever its database says of them. */
  guests(): { pid: number; bootId: string }[] {
    const isOurs = (words: readonly string[]) => words.some((word) => word.startsWith(`${this.layout.run}/`))
    return processesWith((words) => isOurs(words) && words.includes('-name')).map((pid) => ({
      pid,
      bootId: bootIdOf(pid),
    }))
  }

  async log(): Promise<string> {
    return readFile(join(this.folder, 'daemon.log'), 'utf8').catch(() => '')
  }

  /** Ends every guest and the daemon, and removes everything, the mounts first. */
  async remove(): Promise<void> {
    for (const { pid } of this.guests()) process.kill(pid, 'SIGKILL')
    await waitFor('the guests to be gone', () => this.guests().length === 0)
    this.connection?.socket.close()
    if (this.child !== undefined && this.isAlive()) {
      const exited = once(this.child, 'exit')
      this.child.kill('SIGTERM')
      await exited
    }
    for (const path of await this.mounts()) await runProgram({ file: 'umount', args: ['--', path], timeoutMs: 10_000 })
    await rm(this.folder, { recursive: true, force: true })
  }

  async mounts(): Promise<string[]> {
    const lines = (await readFile('/proc/self/mounts', 'utf8')).split('\n')
    return lines.map((line) => line.split(' ')[1] ?? '').filter((path) => path.startsWith(`${this.folder}/`))
  }

  private get config(): string {
    return join(this.folder, 'daemon.json')
  }

  private settings(index: number): Record<string, unknown> {
    return {
      stateDirectory: this.state,
      socketDirectory: join(this.folder, 'run'),
      roleGroups: { viewer: null, operator: null, admin: null },
      owners: [{ name: 'local', limit: 'unlimited' }],
      guestUidBase: 300_000 + index * 1_000,
      guestUidCount: 1_000,
      consoleSpaceMiB: 64,
      reconcileIntervalMs: 500,
      deadlines: { stopGraceMs: 5_000 },
    }
  }

  private async tryConnect(child: ChildProcess) {
    if (child.exitCode !== null) throw new Error(`The daemon ended: ${(await this.log()).slice(-2_000)}`)
    const connection = await connectClient(join(this.folder, 'run', 'admin.sock')).catch(() => undefined)
    return connection
  }
}

function bootIdOf(pid: number): string {
  const words = argumentsOf(pid)
  return (words[words.indexOf('-name') + 1] ?? '').replace('pilothouse-', '')
}
