import { connect, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Client } from 'ssh2'
import { PilothouseError } from '../../src-shared/error.ts'
import { channelSocket } from './channel-socket.ts'
import { networkError } from './diagnose.ts'
import type { ResolvedTarget } from './resolve-target.ts'

/** From the name to an open connection, milliseconds. */
const REACH_DEADLINE_MS = 15_000
/** For each of several addresses, before the next is tried as well; the runtime's 250 ms are less than a far link takes. */
const ADDRESS_MS = 3_000

/** A machine on the way, logged in to. */
export interface Hop {
  readonly client: Client
  readonly target: ResolvedTarget
}

/**
 * Holds what is written in one turn of the event loop together: the SSH library writes each packet in three parts, and
 * without Nagle's algorithm each part would be a segment of its own that wakes the other side.
 */
export function joinWrites(socket: Socket): Socket {
  const write = socket.write.bind(socket) as (...words: unknown[]) => boolean
  const release = (): void => socket.uncork()
  socket.write = (...words: unknown[]): boolean => {
    if (socket.writableCorked === 0) {
      socket.cork()
      process.nextTick(release)
    }
    return write(...words)
  }
  return socket
}

/**
 * A TCP connection to the machine's SSH port. Nagle's algorithm is off: it would hold back each small request until
 * the other side acknowledges (44 ms instead of half a millisecond).
 */
export function openTcp(target: ResolvedTarget, signal: AbortSignal): Promise<Socket> {
  const { host, port } = target
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(REACH_DEADLINE_MS)])
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port, noDelay: true, autoSelectFamilyAttemptTimeout: ADDRESS_MS })
    const fail = (error: unknown): void => {
      bounded.removeEventListener('abort', abort)
      socket.destroy()
      reject(signal.aborted ? cancelled(target) : networkError(error, target))
    }
    const abort = (): void => fail(Object.assign(new Error('time-out'), { code: 'ETIMEDOUT' }))
    bounded.addEventListener('abort', abort, { once: true })
    socket.once('error', fail)
    socket.once('connect', () => {
      bounded.removeEventListener('abort', abort)
      socket.removeListener('error', fail)
      resolve(joinWrites(socket))
    })
    if (bounded.aborted) abort()
  })
}

/** A TCP connection to the next machine, made by the one before it. */
export function openThrough(jump: Hop, target: ResolvedTarget, signal: AbortSignal): Promise<Duplex> {
  const bounded = AbortSignal.any([signal, AbortSignal.timeout(REACH_DEADLINE_MS)])
  return new Promise((resolve, reject) => {
    const refuse = (why: string, cause?: unknown): void => {
      const says = `The jump host ${jump.target.host} could not reach ${target.host} port ${target.port}: ${why}.`
      reject(new PilothouseError('host_unreachable', says, { cause }))
    }
    const abort = (): void => (signal.aborted ? reject(cancelled(target)) : refuse('no answer came in time'))
    bounded.addEventListener('abort', abort, { once: true })
    jump.client.forwardOut('127.0.0.1', 0, target.host, target.port, (error, channel) => {
      bounded.removeEventListener('abort', abort)
      if (error !== undefined) refuse(error.message, error)
      else if (bounded.aborted) channelSocket(channel).destroy()
      else resolve(channelSocket(channel))
    })
    if (bounded.aborted) abort()
  })
}

export function cancelled({ host }: ResolvedTarget): PilothouseError {
  return new PilothouseError('cancelled', `Connecting to ${host} was cancelled.`)
}
