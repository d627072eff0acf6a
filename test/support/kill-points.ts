import { existsSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { OperationKind } from '../../src-shared/model/operation.ts'
import { AgentClient } from '../../host-daemon/drivers/qemu/agent-client.ts'
import { StepsTable, type StepEnd, type StepEntry } from '../../host-daemon/store/steps-table.ts'
import type { Database } from '../../host-daemon/store/database.ts'

/** Where an operation is hit: at a step of its journal, and who dies there. */
export interface KillOrder {
  readonly kind: OperationKind
  readonly step: string
  /**
   * `before`: while the step's beginning is being journaled, not yet durable. `after`: the step has done its work and
   * its end is being journaled, not yet durable. `inside`: so long after its beginning is durable. `frozen`: inside it,
   * while the guest's file systems are held still.
   */
  readonly moment: 'before' | 'after' | 'inside' | 'frozen'
  readonly victim: 'daemon' | 'qemu' | 'restic'
  readonly delayMs: number
}

/** What came of an order. */
export interface KillReport extends KillOrder {
  readonly operationId: string
  /** The step that was under way then; null between two of them. A kill inside a step may come after its end. */
  readonly hitIn: string | null
  /** Processes that were killed: none where no guest, or no restic, existed at that point. */
  readonly killed: readonly number[]
}

const ORDER = 'kill-order.json'
const REPORT = 'kill-report.json'

/** An order as it lies there: a kill that is late finds another in its place, and lets it be. */
interface PlacedOrder extends KillOrder {
  readonly id: number
}

let placed = 0

/** One order at a time; the one before it is forgotten. */
export function orderKill(folder: string, order: KillOrder): void {
  rmSync(join(folder, REPORT), { force: true })
  write(join(folder, ORDER), { ...order, id: (placed += 1) } satisfies PlacedOrder)
}

/** Takes back an order that was not carried out. */
export function withdrawKill(folder: string): void {
  rmSync(join(folder, ORDER), { force: true })
}

export function killReport(folder: string): KillReport | undefined {
  const path = join(folder, REPORT)
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as KillReport) : undefined
}

/**
 * Makes the daemon of this process carry out the orders of `folder`. It reaches into the journal's table from outside:
 * the product has no switch for it.
 */
export function heedKillOrders(folder: string): void {
  heedWhileFrozen(folder)
  const begin: Begin = Reflect.get(StepsTable.prototype, 'begin')
  const end: End = Reflect.get(StepsTable.prototype, 'end')
  StepsTable.prototype.begin = function (operationId, entry: StepEntry): void {
    begin.call(this, operationId, entry)
    lastPlace = { db: dbOf(this), operationId }
    const order = orderFor(folder, { db: dbOf(this), operationId, step: entry.step })
    if (order === undefined || entry.direction !== 'forward') return
    if (order.moment === 'after' || order.moment === 'frozen') return
    const hit = (): void => carryOut(folder, order, { db: dbOf(this), operationId })
    if (order.moment === 'before') hit()
    else setTimeout(hit, order.delayMs)
  }
  StepsTable.prototype.end = function (operationId, ending: StepEnd): void {
    const step = openStepOf(dbOf(this), operationId)
    end.call(this, operationId, ending)
    if (step === undefined || ending.outcome !== 'done') return
    const order = orderFor(folder, { db: dbOf(this), operationId, step })
    if (order?.moment === 'after') carryOut(folder, order, { db: dbOf(this), operationId })
  }
}

/** The moment at which a guest is held still is the agent's, not the journal's. */
function heedWhileFrozen(folder: string): void {
  const freeze: () => Promise<number> = Reflect.get(AgentClient.prototype, 'freeze')
  AgentClient.prototype.freeze = async function () {
    const frozen = await freeze.call(this)
    const order = orderIn(folder)
    if (order?.moment === 'frozen' && lastPlace !== undefined) carryOut(folder, order, lastPlace)
    return frozen
  }
}

/** The operation that journaled a step last: the one that freezes. */
let lastPlace: Place | undefined

type Begin = (this: StepsTable, ...words: Parameters<StepsTable['begin']>) => void
type End = (this: StepsTable, ...words: Parameters<StepsTable['end']>) => void

interface Place {
  readonly db: Database
  readonly operationId: string
}

function dbOf(table: StepsTable): Database {
  return (table as unknown as { db: Database }).db
}

function openStepOf(db: Database, operationId: string): string | undefined {
  const sql = `
    SELECT step FROM operation_steps WHERE operation_id = @operationId AND ended_at IS NULL AND direction = 'forward'`
  return db.get<{ step: string }>(sql, { operationId })?.step
}

function orderIn(folder: string): PlacedOrder | undefined {
  const path = join(folder, ORDER)
  return existsSync(path) ? (JSON.parse(readFileSync(path, 'utf8')) as PlacedOrder) : undefined
}

function orderFor(folder: string, { db, operationId, step }: Place & { step: string }): PlacedOrder | undefined {
  const order = orderIn(folder)
  if (order === undefined) return undefined
  const kind = db.get<{ kind: string }>('SELECT kind FROM operations WHERE id = @operationId', { operationId })?.kind
  return order.kind === kind && order.step === step ? order : undefined
}

function carryOut(folder: string, order: PlacedOrder, place: Place): void {
  if (orderIn(folder)?.id !== order.id) return
  withdrawKill(folder)
  const killed = victimsOf(order, place)
  const { db, operationId } = place
  const hitIn = openStepOf(db, operationId) ?? null
  write(join(folder, REPORT), { ...order, operationId, hitIn, killed } satisfies KillReport)
  for (const pid of killed) process.kill(pid, 'SIGKILL')
}

function victimsOf({ victim }: KillOrder, place: Place): number[] {
  if (victim === 'daemon') return [process.pid]
  return victim === 'qemu' ? guestsOf(place) : childrenOf(place)
}

/** Engines' children that the operation has told of and that live: restic, by the name it was started with. */
function childrenOf({ db, operationId }: Place): number[] {
  const sql = 'SELECT pid FROM operation_children WHERE operation_id = @operationId'
  const told = db.all<{ pid: number }>(sql, { operationId }).map(({ pid }) => pid)
  return told.filter((pid) => argumentsOf(pid).some((word) => word.endsWith('restic')))
}

/** Processes of the environment's boots, by the name that each was started with. */
function guestsOf({ db, operationId }: Place): number[] {
  const sql = `
    SELECT b.id FROM boots b JOIN operations o ON o.environment_id = b.environment_id
    WHERE o.id = @operationId AND b.ended_at IS NULL`
  const names = db.all<{ id: string }>(sql, { operationId }).map(({ id }) => `pilothouse-${id}`)
  return names.flatMap((name) => processesWith((words) => words.includes(name)))
}

/** Processes whose arguments say that they are what is looked for. */
export function processesWith(isIt: (words: readonly string[]) => boolean): number[] {
  const pids = readdirSync('/proc').filter((entry) => /^[0-9]+$/.test(entry))
  return pids.filter((pid) => isIt(argumentsOf(pid))).map(Number)
}

/** A process's arguments; none for one that is gone. */
export function argumentsOf(pid: number | string): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch {
    return []
  }
}

function write(path: string, value: unknown): void {
  writeFileSync(`${path}.new`, JSON.stringify(value))
  renameSync(`${path}.new`, path)
}
