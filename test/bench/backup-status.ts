import { performance } from 'node:perf_hooks'
import BetterSqlite3 from 'better-sqlite3'
import { join } from 'node:path'
import { connectDaemonSocket } from '../../src-main/fleet/daemon-link.ts'
import { systemClock, systemRandom } from '../../src-main/lib/clock.ts'
import { socketNameOf } from '../../src-shared/model/role.ts'
import { newCommandId, spawnInput } from '../support/fake-driver-daemon.ts'
import { serveFakeDriverDaemon } from '../support/served-fake-daemon.ts'
import { newContext, TEST_ACTOR } from '../support/ssh-link.ts'
import type { Bench } from './lib/bench-deps.ts'
import { quantile } from './lib/statistics.ts'

const ENVIRONMENTS = 1_000
const POINTS = 24
const CALLS = 200
const WARM_UPS = 50
const HOUR_MS = 60 * 60 * 1000

type Served = Awaited<ReturnType<typeof serveFakeDriverDaemon>>

/** One environment that was really made and backed up, and a thousand that say what it says. */
async function fill({ host }: Served): Promise<void> {
  const admin = host.as('admin')
  const ended = ({ id }: { readonly id: string }) => admin.operations.wait({ id, timeoutMs: 60_000 })
  await ended(await admin.environments.spawn(spawnInput('model')))
  await ended(await admin.environments.stop({ commandId: newCommandId(), environment: 'model' }))
  await ended(await admin.backups.now({ commandId: newCommandId(), environment: 'model' }))
  const { id } = await admin.environments.get({ environment: 'model' })
  const db = new BetterSqlite3(join(host.folder, 'pilothoused.db'))
  db.pragma('foreign_keys = OFF')
  const copy = db.transaction(() => {
    for (let at = 1; at < ENVIRONMENTS; at += 1) copyEnvironment(db, id, at)
    copyPoints(db)
  })
  copy()
  db.exec('ANALYZE')
  db.close()
}

const hex = (number: number, digits: number) => number.toString(16).padStart(digits, '0')

function copyEnvironment(db: BetterSqlite3.Database, model: string, at: number): void {
  const [id, home] = [`env-${hex(at, 8)}`, `home-${hex(at, 16)}`]
  const copies: readonly [table: string, where: string, changes: Readonly<Record<string, string | number | null>>][] = [
    ['homes', 'id = (SELECT home_id FROM environments WHERE id = @model)', { id: home, environment_id: id }],
    ['environments', 'id = @model', { id, name: `web-${at}`, home_id: home, boot_id: null, guest_uid: 200_000 + at }],
    ['backup_states', 'environment_id = @model', { environment_id: id }],
    ['recovery_points', 'environment_id = @model', { id: hex(at, 8).repeat(8), environment_id: id, home_id: home }],
  ]
  for (const [table, where, changes] of copies) copyRow(db, table, { where, changes, model })
}

interface Copy {
  readonly where: string
  readonly changes: Readonly<Record<string, string | number | null>>
  readonly model: string
}

function copyRow(db: BetterSqlite3.Database, table: string, { where, changes, model }: Copy): void {
  const columns = db
    .prepare<[], { name: string }>(`PRAGMA table_info(${table})`)
    .all()
    .map(({ name }) => name)
  const values = columns.map((name) => (name in changes ? `@${name}` : name)).join(', ')
  db.prepare(`INSERT INTO ${table} (${columns.join(', ')}) SELECT ${values} FROM ${table} WHERE ${where}`).run({
    ...changes,
    model,
  })
}

/** Of every environment as many as there are in a day. */
function copyPoints(db: BetterSqlite3.Database): void {
  const columns = db
    .prepare<[], { name: string }>('PRAGMA table_info(recovery_points)')
    .all()
    .map(({ name }) => name)
  const changed: Readonly<Record<string, string>> = {
    id: "substr(p.id, 1, 32) || printf('%032x', n.n)",
    taken_at: `p.taken_at - n.n * ${HOUR_MS}`,
  }
  const values = columns.map((name) => changed[name] ?? `p.${name}`).join(', ')
  const older = Array.from({ length: POINTS - 1 }, (_unused, at) => `(${at + 1})`).join(', ')
  db.exec(`
    CREATE TEMP TABLE n (n INTEGER);
    INSERT INTO n VALUES ${older};
    INSERT INTO recovery_points (${columns.join(', ')}) SELECT ${values} FROM recovery_points p, n`)
}

interface Measured {
  readonly times: readonly number[]
  /** Of both ends together, a call: what it costs where nobody else uses the machine. */
  readonly cpuMs: number
}

async function measure(served: Served): Promise<Measured> {
  const path = join(served.socketDirectory, socketNameOf('viewer'))
  const link = await connectDaemonSocket(path, { clock: systemClock, random: systemRandom, claimedActor: TEST_ACTOR })
  const times: number[] = []
  let cpu = process.cpuUsage()
  try {
    for (let call = 0; call < WARM_UPS + CALLS; call += 1) {
      if (call === WARM_UPS) cpu = process.cpuUsage()
      const options = newContext()
      const startedAt = performance.now()
      const { rows } = await link.client.backups.status({}, options)
      const ms = performance.now() - startedAt
      if (rows.length !== ENVIRONMENTS) throw new Error(`${rows.length} rows were told`)
      const isSound = rows.every(({ freshness, pointCount }) => freshness.kind === 'healthy' && pointCount === POINTS)
      if (!isSound) throw new Error('A row is not what was written')
      if (call >= WARM_UPS) times.push(ms)
    }
  } finally {
    link.dispose()
  }
  const { user, system } = process.cpuUsage(cpu)
  return { times, cpuMs: (user + system) / 1000 / CALLS }
}

/**
 * `backups.status` of a thousand environments with a day's points each, out of a real database, through the real server
 * and client: the whole call, parsed at both ends. No repository may be asked.
 */
export const benchBackupStatus: Bench = async ({ onProgress }) => {
  const served = await serveFakeDriverDaemon({ isMute: true, options: { observeIntervalMs: 3_600_000 } })
  try {
    onProgress(`Writing ${ENVIRONMENTS} environments with ${POINTS} recovery points each.`)
    await fill(served)
    const before = Object.values(served.host.repositories.calls).reduce((sum, count) => sum + count, 0)
    onProgress(`Measuring ${CALLS} calls.`)
    const { times, cpuMs } = await measure(served)
    const after = Object.values(served.host.repositories.calls).reduce((sum, count) => sum + count, 0)
    const p95 = Number(quantile(times, 0.95).toPrecision(3))
    const details = { environments: ENVIRONMENTS, points: ENVIRONMENTS * POINTS, calls: CALLS }
    const p50 = Number(quantile(times, 0.5).toPrecision(3))
    return [
      {
        bench: 'backup-status',
        metric: 'p95_ms',
        p95_ms: p95,
        value: p95,
        unit: 'ms',
        restic_processes: after - before,
        details: { ...details, p50_ms: p50, cpu_ms: Number(cpuMs.toPrecision(3)) },
      },
    ]
  } finally {
    await served.remove()
  }
}
