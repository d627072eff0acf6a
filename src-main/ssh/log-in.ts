import type { Duplex } from 'node:stream'
import ssh2 from 'ssh2'
import type { Client, ServerHostKeyAlgorithm } from 'ssh2'
import type { PilothouseError } from '../../src-shared/error.ts'
import { readTextIfPresent } from '../lib/read-file.ts'
import { gatherCredentials, type Credentials } from './credentials.ts'
import { networkError, sshError } from './diagnose.ts'
import { describeKey, hostKeyError, judgeHostKey, serverHostKeyAlgorithms, type HostTrust } from './host-key.ts'
import { knownKeysOf, parseKnownHosts } from './known-hosts.ts'
import { cancelled } from './open-socket.ts'
import type { HostKey } from '../../src-shared/model/host.ts'
import { parseKeysOnce } from './parsed-keys.ts'
import type { ResolvedTarget } from './resolve-target.ts'

/** From an open socket to a logged-in connection, milliseconds. */
const LOGIN_DEADLINE_MS = 20_000
/** A peer that died without a word is noticed after at most interval × (count + 1) = 16 s. */
const KEEPALIVE_INTERVAL_MS = 4_000
const KEEPALIVE_COUNT = 3

export interface LoginOptions {
  readonly pinned: HostKey | null
  readonly signal: AbortSignal
  /** Called when the host has proved its key, before the login. */
  readonly onKeyProved?: (key: HostKey) => void
}

async function trustOf(target: ResolvedTarget, pinned: HostKey | null): Promise<HostTrust> {
  const texts = await Promise.all(target.knownHostsFiles.map((path) => readTextIfPresent(path).catch(() => null)))
  const lines = texts.flatMap((text) => (text === null ? [] : parseKnownHosts(text)))
  return { pinned, known: knownKeysOf(lines, target.hostKeyName, target.port) }
}

interface Attempt {
  readonly socket: Duplex
  readonly target: ResolvedTarget
  readonly trust: HostTrust
  readonly credentials: Credentials
}

/** Resolves with a client that is logged in; its `error` events must stay listened to, there can be several. */
function run({ socket, target, trust, credentials }: Attempt, options: LoginOptions): Promise<Client> {
  const { signal } = options
  const client = new ssh2.Client()
  parseKeysOnce(client)
  return new Promise((resolve, reject) => {
    let refusal: PilothouseError | undefined
    const abort = (): void => fail(cancelled(target))
    const fail = (error: PilothouseError): void => {
      signal.removeEventListener('abort', abort)
      client.destroy()
      socket.destroy()
      reject(error)
    }
    signal.addEventListener('abort', abort, { once: true })
    client.on('error', (error) => {
      // An agent that cannot sign with one key is not yet the end; the next key is tried.
      if ((error as { level?: string }).level !== 'agent') fail(refusal ?? sshError(error, target, credentials))
    })
    client.on('close', () =>
      fail(refusal ?? networkError(Object.assign(new Error('closed'), { code: 'ECONNRESET' }), target)),
    )
    client.on('ready', () => {
      signal.removeEventListener('abort', abort)
      resolve(client)
    })
    client.connect({
      sock: socket,
      username: target.user,
      authHandler: credentials.methods,
      algorithms: { serverHostKey: serverHostKeyAlgorithms(trust) as ServerHostKeyAlgorithm[] },
      hostVerifier: (key: Buffer) => {
        const verdict = judgeHostKey(key, trust)
        if (verdict.kind === 'trusted') options.onKeyProved?.(describeKey(key))
        else refusal = hostKeyError(verdict, target.host)
        return verdict.kind === 'trusted'
      },
      readyTimeout: LOGIN_DEADLINE_MS,
      keepaliveInterval: KEEPALIVE_INTERVAL_MS,
      keepaliveCountMax: KEEPALIVE_COUNT,
    })
    if (signal.aborted) abort()
  })
}

/**
 * Proves the host's key and logs in over an open socket, which it takes over. Throws one `PilothouseError` with a
 * sentence: `host_key_unknown`, `host_key_changed`, `auth_failed`, `host_unreachable`, `cancelled`.
 */
export async function logIn(socket: Duplex, target: ResolvedTarget, options: LoginOptions): Promise<Client> {
  try {
    const trust = await trustOf(target, options.pinned)
    const credentials = await gatherCredentials(target)
    return await run({ socket, target, trust, credentials }, options)
  } catch (error) {
    socket.destroy()
    throw error
  }
}
