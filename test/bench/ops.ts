import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import BetterSqlite3 from 'better-sqlite3'
import {
  newCommandId,
  spawnInput,
  startFakeDriverDaemon,
  type FakeDriverDaemon,
} from '../support/fake-driver-daemon.ts'
import type { Bench } from './lib/bench-deps.ts'
import { runPaired } from './lib/paired-run.ts'
import { median } from './lib/statistics.ts'
import { recordWrites, type RecordedCommit, type RecordedTransaction } from './lib/recorded-writes.ts'

const PAIRS = 15
const WARM_UPS = 3
const ENVIRONMENTS = 8
/** Operations of one environment in one measurement. */
const ROUNDS = 12
const OPERATIONS = ENVIRONMENTS * ROUNDS

type Client = ReturnType<FakeDriverDaemon['as']>

async function ended(client: Client, id: string): Promise<void> {
  const { status } = await client.operations.wait({ id, timeoutMs: 60_000 })
  if (status.kind !== 'succeeded') throw new Error(`An operation ended as ${status.kind}`)
}

/** Stops and starts one environment in turn, each awaited to its durable end. */
async function turnOnAndOff(client: Client, environment: string): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const kind = round % 2 === 0 ? 'stop' : 'start'
    const { id } = await client.environments[kind]({ commandId: newCommandId(), environment })
    await ended(client, id)
  }
}

/** What one measurement of ours wrote, and the database as it was before it. */
interface Written {
  readonly before: string
  readonly commits: readonly RecordedCommit[]
}

class OperationBench {
  private readonly daemon: FakeDriverDaemon
  private readonly client: Client
  private readonly names: readonly string[]
  private readonly folder: string
  /** Operations a second of the raw loop, were it told beforehand which transactions can share a commit. */
  readonly inOurCommits: number[] = []
  private last: Written | undefined
  private copies = 0

  constructor(daemon: FakeDriverDaemon, names: readonly string[], folder: string) {
    this.daemon = daemon
    this.client = daemon.as('admin')
    this.names = names
    this.folder = folder
  }

  /** Durable operations a second: accepted, journaled step by step, and ended. */
  async ours(): Promise<number> {
    const before = await this.snapshot()
    const recording = recordWrites()
    const startedAt = performance.now()
    await Promise.all(this.names.map((name) => turnOnAndOff(this.client, name)))
    const seconds = (performance.now() - startedAt) / 1000
    if (this.last !== undefined) await rm(this.last.before, { force: true })
    this.last = { before, commits: recording.stop() }
    return OPERATIONS / seconds
  }

  /** The very same writes, in the very same transactions, one after the other by better-sqlite3 alone. */
  async reference(): Promise<number> {
    const { before, commits } = this.last ?? (await this.firstOurs())
    const perSecond = await this.replay(before, commits.flat())
    const merged = commits.map((commit) => commit.flat())
    this.inOurCommits.push(await this.replay(before, merged))
    return perSecond
  }

  private async replay(before: string, transactions: readonly RecordedTransaction[]): Promise<number> {
    const path = join(this.folder, `raw-${(this.copies += 1)}.db`)
    await copyFile(before, path)
    const raw = new BetterSqlite3(path)
    for (const pragma of ['journal_mode = WAL', 'synchronous = FULL', 'foreign_keys = ON']) raw.pragma(pragma)
    const prepared = new Map(
      transactions.flat().map(({ sql }) => [sql, raw.prepare<[Record<string, unknown>]>(sql)] as const),
    )
    const write = raw.transaction((statements: RecordedTransaction) => {
      for (const { sql, bindings } of statements) prepared.get(sql)?.run(bindings)
    })
    const startedAt = performance.now()
    for (const transaction of transactions) write.immediate(transaction)
    const seconds = (performance.now() - startedAt) / 1000
    raw.close()
    for (const suffix of ['', '-wal', '-shm']) await rm(path + suffix, { force: true })
    return OPERATIONS / seconds
  }

  get perOperation(): { transactions: number; commits: number } {
    const commits = this.last?.commits ?? []
    const perOperation = (count: number) => Number((count / OPERATIONS).toFixed(2))
    return { transactions: perOperation(commits.flat().length), commits: perOperation(commits.length) }
  }

  private async firstOurs(): Promise<Written> {
    await this.ours()
    if (this.last === undefined) throw new Error('Nothing was written')
    return this.last
  }

  private async snapshot(): Promise<string> {
    const path = join(this.folder, `before-${(this.copies += 1)}.db`)
    const source = new BetterSqlite3(join(this.daemon.folder, 'pilothoused.db'), { readonly: true })
    await source.backup(path)
    source.close()
    return path
  }
}

/**
 * Durable operations a second ÷ a raw better-sqlite3 loop, WAL and FULL, that does the same writes in the same
 * transactions, one after the other, on a copy of the same database.
 *
 * Ours are the contract's calls in this process, without a socket: accepted, claimed, journaled step by step, chained
 * into the record, published and waited for, on the real database with a fake driver, for eight environments at once.
 * What comes in at once shares commits; the loop commits each transaction by itself. How fast the loop would be if it
 * made our commits is in the details.
 */
export const benchOps: Bench = async (options) => {
  const folder = await mkdtemp(join(tmpdir(), 'pilothouse-bench-'))
  // What the daemon notices meanwhile, and what guests print, is not what is measured.
  const quiet = { observeIntervalMs: 3_600_000, maxConcurrentStarts: 64 }
  const daemon = await startFakeDriverDaemon({ options: quiet, isMute: true })
  try {
    const client = daemon.as('admin')
    const names = Array.from({ length: ENVIRONMENTS }, (_unused, index) => `bench-${index}`)
    for (const name of names) await ended(client, (await client.environments.spawn(spawnInput(name))).id)
    const bench = new OperationBench(daemon, names, folder)
    const line = await runPaired({
      bench: 'ops',
      metric: 'durable_ratio',
      pairs: options.pairs ?? PAIRS,
      warmUps: WARM_UPS,
      measuredIn: 'durable operations a second',
      reference: () => bench.reference(),
      ours: () => bench.ours(),
      onProgress: options.onProgress,
      details: () => ({
        operations: OPERATIONS,
        inParallel: ENVIRONMENTS,
        perOperation: bench.perOperation,
        referenceInOurCommits: Math.round(median(bench.inOurCommits)),
      }),
    })
    return [line]
  } finally {
    await daemon.remove()
    await rm(folder, { recursive: true, force: true })
  }
}
