import type { Duplex } from 'node:stream'
import { hostKeySchema, type HostKey, type HostTarget } from '../../src-shared/model/host.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import { unknownJumpKey } from './diagnose.ts'
import type { SshEnvironment } from './environment.ts'
import { sshLink, type SshLink } from './link.ts'
import { logIn } from './log-in.ts'
import { openTcp, openThrough, type Hop } from './open-socket.ts'
import { resolveTarget, type ResolvedTarget } from './resolve-target.ts'

export interface ConnectOptions {
  readonly environment: SshEnvironment
  /** The key pinned for this host; null where none is. */
  readonly pinnedKey: HostKey | null
  readonly signal: AbortSignal
  readonly onStep?: (step: 'reaching' | 'authenticating') => void
}

async function socketTo(target: ResolvedTarget, from: Hop | undefined, signal: AbortSignal): Promise<Duplex> {
  return from === undefined ? openTcp(target, signal) : openThrough(from, target, signal)
}

/** Jump hosts are trusted by `known_hosts` alone: the pinned key is the host's own. */
async function openJumps(targets: readonly ResolvedTarget[], signal: AbortSignal, opened: Hop[]): Promise<void> {
  for (const target of targets) {
    const open = (): Promise<Duplex> => socketTo(target, opened.at(-1), signal)
    try {
      opened.push({ target, client: await logIn(open, target, { pinned: null, signal }) })
    } catch (error) {
      throw error instanceof PilothouseError ? unknownJumpKey(error, target) : error
    }
  }
}

/**
 * Connects to a host, through its jump hosts. Throws one `PilothouseError` whose sentence names the step that failed:
 * `host_unreachable`, `host_key_unknown` (with `details.key`), `host_key_changed`, `auth_failed`, `invalid_request`
 * for a configuration that cannot be followed, `cancelled`.
 */
export async function openSshLink(asked: HostTarget, options: ConnectOptions): Promise<SshLink> {
  const { environment, pinnedKey, signal, onStep } = options
  onStep?.('reaching')
  const target = await resolveTarget(asked, environment)
  const jumps: Hop[] = []
  try {
    await openJumps(target.jumps, signal, jumps)
    const open = (): Promise<Duplex> => socketTo(target, jumps.at(-1), signal)
    const onKeyProved = (): void => onStep?.('authenticating')
    const client = await logIn(open, target, { pinned: pinnedKey, signal, onKeyProved })
    return sshLink(
      client,
      target,
      jumps.map((hop) => hop.client),
    )
  } catch (error) {
    for (const { client } of jumps) client.destroy()
    throw error
  }
}

/** The key that a host of a key error presented. */
export function presentedKeyOf(error: unknown): HostKey | null {
  const key = error instanceof PilothouseError ? hostKeySchema.safeParse(error.details?.['key']) : undefined
  return key?.success === true ? key.data : null
}

/**
 * The key that the host presents now, where nothing contradicts it; no login is attempted. Throws `host_key_changed`
 * for another key than the one in `known_hosts`, and what `openSshLink` throws.
 */
export async function fetchHostKey(asked: HostTarget, options: Omit<ConnectOptions, 'pinnedKey'>): Promise<HostKey> {
  const { environment, signal } = options
  const target = await resolveTarget(asked, environment)
  const jumps: Hop[] = []
  const seen = new AbortController()
  let key: HostKey | null = null
  try {
    await openJumps(target.jumps, signal, jumps)
    const open = (): Promise<Duplex> => socketTo(target, jumps.at(-1), signal)
    const onKeyProved = (proved: HostKey): void => {
      key = proved
      seen.abort()
    }
    const client = await logIn(open, target, {
      pinned: null,
      signal: AbortSignal.any([signal, seen.signal]),
      onKeyProved,
    })
    client.destroy()
  } catch (error) {
    // A jump host that is unknown or changed says so in its own words, and never in place of the host.
    if (error instanceof PilothouseError && error.code === 'host_key_unknown') key = presentedKeyOf(error)
    if (key === null) throw error
  } finally {
    for (const { client } of jumps) client.destroy()
  }
  if (key !== null) return key
  throw new PilothouseError('host_unreachable', `${target.host} presented no key.`)
}
