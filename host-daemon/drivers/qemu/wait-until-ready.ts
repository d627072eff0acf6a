import { isAlive } from '../../system/processes.ts'
import { TimeLimit } from '../../system/time-limit.ts'
import { DriverFailure, type BootRecord, type GuestProcess } from '../vm-driver.ts'
import { findGuest } from './find-guest.ts'
import { engineStatus, pingAgent, type Conversations } from './inspect-guest.ts'
import { isDeadState } from './qmp-client.ts'

const LOOK_AFTER_MS = 250
const RECONNECT_MS = 10

/** See `VmDriver.waitUntilReady`. */
export async function waitUntilReady(
  record: BootRecord,
  tools: Conversations,
  bounds: { readonly deadlineMs: number; readonly signal: AbortSignal },
): Promise<void> {
  bounds.signal.throwIfAborted()
  const process = await findGuest(record)
  if (process === undefined) throw exited('its process is gone')
  using deadline = new TimeLimit(tools.clock, bounds.deadlineMs)
  const done = new AbortController()
  const signal = AbortSignal.any([bounds.signal, deadline.signal, done.signal])
  try {
    await Promise.race([
      untilAgentAnswers({ record, process }, tools, signal),
      whileGuestLives({ record, process }, tools, signal),
    ])
  } catch (error) {
    bounds.signal.throwIfAborted()
    if (!deadline.isOver) throw error
    throw new DriverFailure('agent_timeout', `The guest's agent did not answer within ${bounds.deadlineMs} ms.`)
  } finally {
    done.abort()
  }
}

interface Guest {
  readonly record: BootRecord
  readonly process: GuestProcess
}

/** The end of QEMU ends the connection, so that a guest's death is noticed at once. */
async function untilAgentAnswers(guest: Guest, tools: Conversations, signal: AbortSignal): Promise<void> {
  for (;;) {
    try {
      await pingAgent(guest.record, tools, signal)
      return
    } catch (error) {
      signal.throwIfAborted()
      if (!(await isAlive(guest.process))) throw exited('its process ended', error)
    }
    await tools.clock.sleep(RECONNECT_MS, signal)
  }
}

/** Never resolves; rejects when the guest has ended in a way that leaves the agent's connection open. */
async function whileGuestLives(guest: Guest, tools: Conversations, signal: AbortSignal): Promise<never> {
  for (;;) {
    await tools.clock.sleep(LOOK_AFTER_MS, signal)
    if (!(await isAlive(guest.process))) throw exited('its process ended')
    const status = await engineStatus(guest.record, tools).catch(() => undefined)
    if (status !== undefined && isDeadState(status)) throw exited(`QEMU says ${status}`)
  }
}

function exited(detail: string, cause?: unknown): DriverFailure {
  return new DriverFailure('guest_exited', `The guest ended before it was ready: ${detail}.`, { cause })
}
