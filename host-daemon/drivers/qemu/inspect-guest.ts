import type { Clock, RandomSource } from '../../../src-shared/lib/clock.ts'
import { shownWords } from '../../../src-shared/lib/foreign-words.ts'
import { TimeLimit } from '../../system/time-limit.ts'
import type { BootRecord, GuestEvidence, GuestProcess } from '../vm-driver.ts'
import { AgentClient } from './agent-client.ts'
import { boundOutput } from './boot-files.ts'
import { findGuest } from './find-guest.ts'
import { handlesOf } from './handles.ts'
import { DEADLINES } from './options.ts'
import { isDeadState, QmpClient } from './qmp-client.ts'
import type { Turns } from './turns.ts'

const SYNC_ID_BYTES = 5
const RUNNING = 'running'
const TEXT_CHARACTERS = 500

/** What it takes to ask QEMU's monitor. */
export interface MonitorTools {
  readonly turns: Turns
  readonly clock: Clock
}

export interface Conversations extends MonitorTools {
  readonly random: RandomSource
}

/** Evidence of a guest, now: its process, QEMU's word for it, its agent's answer. Bounded; never throws. */
export async function inspectGuest(record: BootRecord, conversations: Conversations): Promise<GuestEvidence> {
  try {
    const process = await findGuest(record)
    if (process === undefined) return { kind: 'gone', detail: 'There is no process of this boot.' }
    return await inspectLiving(record, process, conversations)
  } catch (error) {
    return { kind: 'unknown', detail: `The host could not be asked: ${textOf(error)}` }
  }
}

async function inspectLiving(
  record: BootRecord,
  process: GuestProcess,
  conversations: Conversations,
): Promise<GuestEvidence> {
  using limit = new TimeLimit(conversations.clock, DEADLINES.agentPingMs)
  const [status, isAnswering] = await Promise.all([
    engineStatus(record, conversations).catch(() => undefined),
    pingAgent(record, conversations, limit.signal).then(
      () => true,
      () => false,
    ),
  ])
  // A bound that cannot be kept now is no evidence; it is tried again at the next look.
  await boundOutput(handlesOf(record)).catch(() => undefined)
  // The process of a crashed guest stays; it never runs again, and stopGuest removes it.
  if (status !== undefined && isDeadState(status))
    return { kind: 'gone', detail: `The guest has crashed; QEMU says ${status}.` }
  if ((await findGuest(record)) === undefined)
    return { kind: 'gone', detail: 'Its process ended while it was being asked.' }
  // A guest that does not run cannot answer, whatever its agent said a moment ago.
  if (status !== undefined && status !== RUNNING)
    return { kind: 'alive', process, agent: 'silent', detail: `The guest does not run; QEMU says ${status}.` }
  return { kind: 'alive', process, agent: isAnswering ? 'answering' : 'silent' }
}

/** QEMU's own word for what the guest is doing. Rejects when QEMU does not answer in time. */
export async function engineStatus(record: BootRecord, { turns, clock }: MonitorTools): Promise<string> {
  return await withMonitor(record, { turns, clock, timeoutMs: DEADLINES.qmpMs }, (monitor) => monitor.status())
}

/** One bounded conversation with QEMU's monitor, in turn. */
export async function withMonitor<T>(
  record: BootRecord,
  options: MonitorTools & { readonly timeoutMs: number },
  work: (monitor: QmpClient) => Promise<T>,
): Promise<T> {
  const { qmpSocket } = handlesOf(record)
  using limit = new TimeLimit(options.clock, options.timeoutMs)
  const { signal } = limit
  return await options.turns.take(qmpSocket, signal, async () => {
    const monitor = await QmpClient.open(qmpSocket, signal)
    try {
      return await work(monitor)
    } finally {
      monitor.close()
    }
  })
}

/** Resolves once the agent has answered a ping, in turn; how late is for `signal` to say. */
export async function pingAgent(record: BootRecord, conversations: Conversations, signal: AbortSignal): Promise<void> {
  await withAgent(record, { ...conversations, signal }, (agent) => agent.ping())
}

export interface AgentConversation extends Conversations {
  /** Bounds all of it, the wait for the turn too. */
  readonly signal: AbortSignal
  /** See `AgentOptions`. */
  readonly cutStringsAt?: number
}

/** One conversation with the guest's agent, in turn. */
export async function withAgent<T>(
  record: BootRecord,
  { turns, random, ...options }: AgentConversation,
  work: (agent: AgentClient) => Promise<T>,
): Promise<T> {
  const { agentSocket } = handlesOf(record)
  return await turns.take(agentSocket, options.signal, async () => {
    const firstSyncId = Number.parseInt(random.hex(SYNC_ID_BYTES), 16)
    const agent = await AgentClient.open(agentSocket, { ...options, firstSyncId })
    try {
      return await work(agent)
    } finally {
      agent.close()
    }
  })
}

/** Why something failed, fit to be told on: a guest's words may be in it. */
export function textOf(error: unknown): string {
  return shownWords(error instanceof Error ? error.message : String(error), TEXT_CHARACTERS)
}
