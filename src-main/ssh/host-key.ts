import { createHash } from 'node:crypto'
import { PilothouseError } from '../../src-shared/error.ts'
import type { HostKey } from '../../src-shared/model/host.ts'
import { keyTypeOf, type KnownKeys } from './known-hosts.ts'

export function describeKey(key: Buffer): HostKey {
  const digest = createHash('sha256').update(key).digest('base64').replace(/=+$/, '')
  return { type: keyTypeOf(key), fingerprint: `SHA256:${digest}` }
}

/** What the console may trust of one host. The key pinned in its own database comes before `known_hosts`. */
export interface HostTrust {
  readonly pinned: HostKey | null
  readonly known: KnownKeys
}

export type HostKeyVerdict =
  | { readonly kind: 'trusted' }
  | { readonly kind: 'unknown'; readonly key: HostKey }
  | { readonly kind: 'changed'; readonly key: HostKey; readonly isRevoked: boolean }

/** Judges the key that a host presented. Fails closed: whatever is not known is unknown or changed. */
export function judgeHostKey(presented: Buffer, { pinned, known }: HostTrust): HostKeyVerdict {
  const key = describeKey(presented)
  if (known.revoked.some((line) => line.key.equals(presented))) return { kind: 'changed', key, isRevoked: true }
  const changed = { kind: 'changed', key, isRevoked: false } as const
  if (pinned !== null) return pinned.fingerprint === key.fingerprint ? { kind: 'trusted' } : changed
  if (known.trusted.some((line) => line.key.equals(presented))) return { kind: 'trusted' }
  return offeredTypes({ pinned, known }) === undefined ? { kind: 'unknown', key } : changed
}

/** Key type → signature algorithms that prove it; SHA-1 is never among them. */
const ALGORITHMS_OF_TYPE: Record<string, readonly string[]> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
}

/** The key types that can be compared with what is known; undefined when nothing comparable is known. */
export function offeredTypes({ pinned, known }: HostTrust): string[] | undefined {
  const types = pinned === null ? known.trusted.map(({ type }) => type) : [pinned.type]
  const usable = [...new Set(types)].filter((type) => Object.hasOwn(ALGORITHMS_OF_TYPE, type))
  return usable.length === 0 ? undefined : usable
}

/** What to ask the server for: only types we can compare, or it may present a key that we do not hold. */
export function serverHostKeyAlgorithms(trust: HostTrust): string[] {
  const types = offeredTypes(trust) ?? Object.keys(ALGORITHMS_OF_TYPE)
  return types.flatMap((type) => ALGORITHMS_OF_TYPE[type] ?? [])
}

/** The sentence for a key that was not accepted; `details.key` carries it for the screen. */
export function hostKeyError(verdict: Exclude<HostKeyVerdict, { kind: 'trusted' }>, hostName: string): PilothouseError {
  const shown = `${verdict.key.type} ${verdict.key.fingerprint}`
  const details = { key: verdict.key }
  if (verdict.kind === 'unknown') {
    return new PilothouseError('host_key_unknown', `${hostName} is new here and presents ${shown}.`, { details })
  }
  const says = verdict.isRevoked
    ? `${hostName} presents a key that is marked as revoked: ${shown}.`
    : `${hostName} presents another key than the one known for it: ${shown}.`
  return new PilothouseError('host_key_changed', says, { details })
}
