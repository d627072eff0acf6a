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
import { recordWrites, type RecordedTransaction } from './lib/recorded-writes.ts'

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
  readonly transactions: readonly RecordedTransaction[]
}

class OperationBench {
  private readonly daemon: FakeDriverDaemon
  private readonly client: Client
  private readonly names: readonly string[]
  private readonly folder: string
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
    this.last = { before, transactions: recording.stop() }
    return OPERATIONS / seconds
  }

  /** The very same writes, in the very same transactions, by better-sqlite3 alone. */
  async reference(): Promise<number> {
    const { before, transactions } = this.last ?? (await this.firstOurs())
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

  get transactionsPerOperation(): number {
    return Number(((this.last?.transactions.length ?? 0) / OPERATIONS).toFixed(2))
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
 * Durable operations a second on a fake driver ÷ a raw better-sqlite3 loop, WAL and FULL, that does the same writes in
 * the same transactions on a copy of the same database.
 */
export const benchOps: Bench = async (options) => {
  const folder = await mkdtemp(join(tmpdir(), 'pilothouse-bench-'))
  // What the daemon notices meanwhile is not what is measured: it looks rarely.
  const daemon = await startFakeDriverDaemon({ options: { observeIntervalMs: 3_600_000, maxConcurrentStarts: 64 } })
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
        transactionsPerOperation: bench.transactionsPerOperation,
      }),
    })
    return [line]
  } finally {
    await daemon.remove()
    await rm(folder, { recursive: true, force: true })
  }
}
