import { PilothouseError } from '../../src-shared/error.ts'
import type { Credentials } from './credentials.ts'
import type { ResolvedTarget } from './resolve-target.ts'

/** One sentence for each way in which a host is not reached; the hint says what to look at. */

function placeOf({ host, port }: ResolvedTarget): string {
  return `${host} port ${port}`
}

const NETWORK_SENTENCES: Record<string, (target: ResolvedTarget) => string> = {
  ENOTFOUND: ({ host }) => `The name ${host} could not be resolved.`,
  EAI_AGAIN: ({ host }) => `The name ${host} could not be resolved now; the name server did not answer.`,
  ECONNREFUSED: (target) => `${placeOf(target)} refused the connection; no SSH server listens there.`,
  ETIMEDOUT: (target) => `${placeOf(target)} did not answer in time.`,
  EHOSTUNREACH: (target) => `There is no route to ${placeOf(target)}.`,
  ENETUNREACH: (target) => `There is no network to reach ${placeOf(target)}.`,
  ECONNRESET: (target) => `${placeOf(target)} broke the connection off.`,
}

/** The code of a network error; of the first one where several addresses were tried. */
function codeOf(error: unknown): string | undefined {
  if (error instanceof AggregateError) return codeOf(error.errors[0])
  const code: unknown = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : undefined
}

export function networkError(error: unknown, target: ResolvedTarget): PilothouseError {
  const sentence = NETWORK_SENTENCES[codeOf(error) ?? '']
  return new PilothouseError('host_unreachable', sentence?.(target) ?? `${placeOf(target)} could not be reached.`, {
    cause: error,
  })
}

function noCredentials(target: ResolvedTarget, problems: readonly string[]): PilothouseError {
  const says = [`There is no key to log in to ${target.alias} as ${target.user}.`, ...problems].join(' ')
  const hint = 'Add a key to the SSH agent (ssh-add), or name a key file without passphrase.'
  return new PilothouseError('auth_failed', says, { hint })
}

function authError(error: Error, target: ResolvedTarget, credentials: Credentials): PilothouseError {
  if (credentials.methods.length === 0) return noCredentials(target, credentials.problems)
  const offered = credentials.offered.join(' and ')
  const says = `${target.host} refused the login as ${target.user}; offered were ${offered}.`
  return new PilothouseError('auth_failed', [says, ...credentials.problems].join(' '), { cause: error })
}

/** What was tried with a host. */
export interface LoginFacts {
  readonly credentials: Credentials
  /** A key of the host is known, so that only its type was asked for. */
  readonly isKeyKnown: boolean
}

/** What an `error` event of the SSH client means before the connection stands. */
export function sshError(
  error: Error & { level?: string },
  target: ResolvedTarget,
  { credentials, isKeyKnown }: LoginFacts,
): PilothouseError {
  if (error.level === 'client-authentication' || /too many authentication failures/i.test(error.message))
    return authError(error, target, credentials)
  if (error.level === 'client-timeout')
    return networkError(Object.assign(new Error(error.message), { code: 'ETIMEDOUT' }), target)
  if (isKeyKnown && /no matching host key/i.test(error.message)) {
    const says = `${target.host} no longer offers a key of the type that is known for it.`
    return new PilothouseError('host_key_changed', says, { cause: error })
  }
  if (error.level === 'handshake' || error.level === 'protocol') {
    return new PilothouseError(
      'host_unreachable',
      `${placeOf(target)} and the console could not agree on SSH: ${error.message}.`,
      { cause: error },
    )
  }
  return networkError(error, target)
}

/** What a lost connection means after it stood. */
export function lostError(error: (Error & { level?: string }) | undefined, target: ResolvedTarget): PilothouseError {
  const says =
    error?.level === 'client-timeout'
      ? `${target.host} stopped answering.`
      : `The connection to ${target.host} was lost.`
  return new PilothouseError('host_unreachable', says, { cause: error })
}

export function unknownJumpKey(error: PilothouseError, jump: ResolvedTarget): PilothouseError {
  if (error.code !== 'host_key_unknown') return error
  return new PilothouseError('auth_failed', `The jump host ${jump.host} is not in known_hosts. ${error.message}`, {
    hint: 'Log in to the jump host once with ssh, compare its key and accept it there.',
    cause: error,
  })
}
