import { setTimeout as delay } from 'node:timers/promises'
import type { Operation } from '../../../src-shared/model/operation.ts'
import { newRequestId } from '../../support/fake-driver-daemon.ts'
import type { KillOrder } from '../../support/kill-points.ts'
import { waitFor } from '../../support/wait-for.ts'
import type { Lane } from './lane.ts'

/** Sends one command; called again it is the same command. */
export type Send = () => Promise<Operation>

/** What came of one order. */
export interface Struck {
  readonly ended: Operation
  /** From the start of the next daemon to a claim that is free or goes on; null where it was not killed. */
  readonly settledMs: number | null
  /** Processes killed. */
  readonly killed: number
  /** The step that was under way when it was killed; null between two of them, and where nothing was. */
  readonly hitIn: string | null
  /** The point was reached. */
  readonly isHit: boolean
  /** A kill inside a step came too late for it, which is nobody's fault. */
  readonly isMissed: boolean
}

const OPERATION_MS = 150_000
const POLL_MS = 50

export const context = () => ({ context: { requestId: newRequestId() } })

/** Has a command killed where `order` says, brings the daemon back, and waits for the operation's end. */
export async function strike(lane: Lane, order: KillOrder, send: Send): Promise<Struck> {
  lane.order(order)
  const { accepted, settledMs: cameBackMs } = await submit(lane, send)
  await waitFor('the point or the end of the operation', () => hitOrEnded(lane, accepted), OPERATION_MS)
  lane.withdraw()
  // A kill that was on its way when the order was taken back still comes.
  await delay(POLL_MS)
  const isHit = lane.report() !== undefined
  const isDead = isHit && order.victim === 'daemon' && cameBackMs === null
  const settledMs = isDead ? await comeBack(lane, accepted.id) : cameBackMs
  const ended = await waitForEnd(lane, accepted.id)
  const isMissed = !isHit && order.moment === 'inside'
  const { killed = [], hitIn = null } = lane.report() ?? {}
  return { ended, settledMs, killed: killed.length, hitIn, isHit, isMissed }
}

export async function waitForEnd(lane: Lane, id: Operation['id']): Promise<Operation> {
  const ended = await lane.client.operations.wait({ id, timeoutMs: OPERATION_MS }, context())
  if (ended.status.kind === 'running') throw new Error(`${ended.kind} did not end: it is at ${ended.step}`)
  return ended
}

/** A daemon that dies before its answer is out is asked again, by the same command. */
async function submit(lane: Lane, send: Send): Promise<{ accepted: Operation; settledMs: number | null }> {
  try {
    return { accepted: await send(), settledMs: null }
  } catch (error) {
    if (lane.report()?.victim !== 'daemon') throw error
    const settledMs = await comeBack(lane, lane.report()?.operationId ?? '')
    return { accepted: await send(), settledMs }
  }
}

function hitOrEnded(lane: Lane, { id }: Operation): 'hit' | 'ended' | undefined {
  if (lane.report() !== undefined) return 'hit'
  const status = lane.query<{ status: string }>('SELECT status FROM operations WHERE id = ?', id)[0]?.status
  if (status === undefined || status === 'running') return undefined
  // The very last thing that an operation does may be the one that it is hit at.
  return lane.report() === undefined ? 'ended' : 'hit'
}

/** Answers how long after the daemon was started again the claim was free or its operation had gone on. */
async function comeBack(lane: Lane, id: string): Promise<number> {
  const before = lastStep(lane, id)
  await lane.gone()
  const startedAt = performance.now()
  await lane.start()
  await waitFor('the operation to go on', () => lastStep(lane, id) !== before || !isRunning(lane, id), 60_000)
  return performance.now() - startedAt
}

function lastStep(lane: Lane, id: string): number {
  const sql = 'SELECT COALESCE(MAX(id), 0) AS last FROM operation_steps WHERE operation_id = ?'
  return lane.query<{ last: number }>(sql, id)[0]?.last ?? 0
}

function isRunning(lane: Lane, id: string): boolean {
  const sql = "SELECT 1 FROM operations WHERE id = ? AND status = 'running'"
  return lane.query(sql, id).length > 0
}
