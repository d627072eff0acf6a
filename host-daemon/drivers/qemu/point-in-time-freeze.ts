import { startStopwatch } from '../../system/clock.ts'
import { TimeLimit } from '../../system/time-limit.ts'
import type { BootRecord } from '../vm-driver.ts'
import { AgentClient } from './agent-client.ts'
import { handlesOf } from './handles.ts'
import type { Conversations } from './inspect-guest.ts'

type Tools = Pick<Conversations, 'clock' | 'random'>

const SYNC_ID_BYTES = 5
/** An agent that does not greet us by then is not asked to freeze anything. */
const GREETING_MS = 2_000
/** The guest writes what it holds to its disk first. It thaws by itself 10 s after that, whatever becomes of us. */
const FREEZE_MS = 15_000
/** Also from an agent that is still busy with freezing, and from the one that took its place. */
const THAW_MS = 15_000

/**
 * Runs `work` while the guest's file systems hold still, and thaws them whatever comes of it. Answers how long they did,
 * in milliseconds, from before `work` until after it; null where the guest could not be frozen, or thawed by itself
 * meanwhile: `work` was done all the same. Rejects with what `work` rejects with. The caller has the turn at the agent.
 */
export async function whileFrozen(record: BootRecord, tools: Tools, work: () => Promise<void>): Promise<number | null> {
  const agent = await greet(record, tools).catch(() => undefined)
  if (agent === undefined) {
    await work()
    return null
  }
  const elapsedMs = await freeze(agent, tools).catch(() => undefined)
  const failure = await work().then(
    () => undefined,
    (error: unknown) => ({ error }),
  )
  const thawed = await thaw(record, tools, agent).catch(() => 0)
  if (failure !== undefined) throw failure.error
  return thawed > 0 ? (elapsedMs?.() ?? null) : null
}

/** Thaws a guest that a dead daemon left frozen; asks first. Nothing where its agent does not answer. */
export async function thawIfFrozen(record: BootRecord, tools: Tools): Promise<void> {
  const agent = await greet(record, tools).catch(() => undefined)
  try {
    if ((await agent?.isFrozen()) === true) await agent?.thaw()
  } catch {
    // It thaws by itself, then.
  } finally {
    agent?.close()
  }
}

/**
 * What someone else left frozen is thawed first, or its guest's own clock would thaw it in the middle of ours. Answers
 * since when; undefined where nothing could be frozen.
 */
async function freeze(agent: AgentClient, { clock }: Tools): Promise<(() => number) | undefined> {
  if (await agent.isFrozen()) await agent.thaw()
  const elapsedMs = startStopwatch(clock)
  return (await agent.freeze()) > 0 ? elapsedMs : undefined
}

async function thaw(record: BootRecord, tools: Tools, agent: AgentClient): Promise<number> {
  try {
    return await agent.thaw()
  } catch {
    // It was too slow for this conversation, or has begun anew; a freeze that came late must not stay.
    const again = await open(record, tools, { greetingMs: THAW_MS, totalMs: THAW_MS })
    try {
      await again.thaw()
    } finally {
      again.close()
    }
    return 0
  } finally {
    agent.close()
  }
}

async function greet(record: BootRecord, tools: Tools): Promise<AgentClient> {
  return await open(record, tools, { greetingMs: GREETING_MS, totalMs: FREEZE_MS })
}

async function open(
  record: BootRecord,
  { clock, random }: Tools,
  bounds: { readonly greetingMs: number; readonly totalMs: number },
): Promise<AgentClient> {
  const firstSyncId = Number.parseInt(random.hex(SYNC_ID_BYTES), 16)
  const { agentSocket } = handlesOf(record)
  const total = new TimeLimit(clock, bounds.totalMs)
  using greeting = new TimeLimit(clock, bounds.greetingMs)
  const signal = AbortSignal.any([total.signal, greeting.signal])
  try {
    return await AgentClient.open(agentSocket, { clock, signal, firstSyncId, limit: total })
  } catch (error) {
    total[Symbol.dispose]()
    throw error
  }
}
