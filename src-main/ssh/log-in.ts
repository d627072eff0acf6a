import type { Duplex } from 'node:stream'
import ssh2 from 'ssh2'
import type { Client, ServerHostKeyAlgorithm } from 'ssh2'
import { PilothouseError } from '../../src-shared/error.ts'
import { readTextIfPresent } from '../lib/read-file.ts'
import { gatherCredentials, type Credentials } from './credentials.ts'
import { networkError, sshError } from './diagnose.ts'
import {
  describeKey,
  hostKeyError,
  judgeHostKey,
  offeredTypes,
  serverHostKeyAlgorithms,
  type HostTrust,
} from './host-key.ts'
import { knownKeysOf, parseKnownHosts } from './known-hosts.ts'
import { cancelled } from './open-socket.ts'
import { padFromPool } from './packet-padding.ts'
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
  /** Called once, when the host has proved its key, before the login. */
  readonly onKeyProved?: (key: HostKey) => void
}

async function trustOf(target: ResolvedTarget, pinned: HostKey | null): Promise<HostTrust> {
  const texts = await Promise.all(target.knownHostsFiles.map((path) => knownHostsText(path)))
  const lines = texts.flatMap((text) => (text === null ? [] : parseKnownHosts(text)))
  return { pinned, known: knownKeysOf(lines, target.hostKeyName) }
}

/** A file that is there and cannot be read may be the one that knows, or has revoked, the key. */
async function knownHostsText(path: string): Promise<string | null> {
  try {
    return await readTextIfPresent(path)
  } catch (error) {
    const says = `The known hosts file ${path} cannot be read, so that no host's key can be compared with it.`
    throw new PilothouseError('invalid_request', says, { hint: 'Make the file readable.', cause: error })
  }
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
  const isKeyKnown = offeredTypes(trust) !== undefined
  parseKeysOnce(client)
  padFromPool(client)
  return new Promise((resolve, reject) => {
    let refusal: PilothouseError | undefined
    let proved: HostKey | undefined
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
      if ((error as { level?: string }).level !== 'agent')
        fail(refusal ?? sshError(error, target, { credentials, isKeyKnown }))
    })
    client.on('close', () =>
      fail(refusal ?? networkError(Object.assign(new Error('closed'), { code: 'ECONNRESET' }), target)),
    )
    // Once: the key is proved, and judged, again whenever the two agree on new keys in a connection that stands.
    client.once('handshake', () => {
      if (proved !== undefined) options.onKeyProved?.(proved)
    })
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
        if (verdict.kind === 'trusted') proved = describeKey(key)
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
 * Proves the host's key and logs in over the socket that `open` makes, which it takes over. Throws one
 * `PilothouseError` with a sentence: `host_key_unknown`, `host_key_changed`, `auth_failed`, `host_unreachable`,
 * `invalid_request` for a file that cannot be read, `cancelled`, and whatever `open` throws.
 */
export async function logIn(
  open: () => Promise<Duplex>,
  target: ResolvedTarget,
  options: LoginOptions,
): Promise<Client> {
  const trust = await trustOf(target, options.pinned)
  const credentials = await gatherCredentials(target)
  // Last, so that nobody waits for anything while a socket that may break has no listener.
  const socket = await open()
  return run({ socket, target, trust, credentials }, options)
}
