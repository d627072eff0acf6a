import type { Environment } from '../../src-shared/model/environment.ts'
import type { Host } from '../../src-shared/model/host.ts'
import type { Operation, OperationKind } from '../../src-shared/model/operation.ts'
import { roleIncludes, type Role } from '../../src-shared/model/role.ts'
import { spanText } from './format.ts'
import { hostShown } from './host-state.ts'
import { actorText, OPERATION_WORDS, stepText } from './operation-words.ts'

/** What the screen knows when it decides whether a button may be pressed. The daemon decides in the end. */
export interface ActionFacts {
  readonly host: Host | undefined
  readonly environment: Environment | undefined
  /** The operation that holds the environment now, if known. */
  readonly inFlight: Operation | undefined
  /** Console clock: when `inFlight` was asked for. */
  readonly inFlightSince: number
  /** A command of ours that the host has not answered yet. */
  readonly unanswered: OperationKind | undefined
  readonly now: number
}

export type EnvironmentAction = 'start' | 'stop' | 'destroy'

const NEEDED_ROLE: Record<EnvironmentAction | 'spawn' | 'type', Role> = {
  start: 'operator',
  stop: 'operator',
  destroy: 'admin',
  spawn: 'operator',
  type: 'operator',
}

/** Why nothing that needs `what` can be asked of a host now; null when it can. */
export function hostBlock(host: Host | undefined, what: keyof typeof NEEDED_ROLE, now: number): string | null {
  if (host === undefined) return 'This host is no longer known.'
  const { connection } = host
  if (connection.kind !== 'connected') return `${host.name} is not connected. ${hostShown(connection, now).sentence}`
  const needed = NEEDED_ROLE[what]
  const held = connection.daemon.role
  if (!roleIncludes(held, needed)) return `Needs the ${needed} role; you are ${held} on ${host.name}.`
  return null
}

function stateBlock(action: EnvironmentAction, environment: Environment): string | null {
  const { kind } = environment.observed
  if (action === 'start') {
    if (kind === 'running') return 'It is already running.'
    if (kind === 'creating' || kind === 'booting') return 'It is already starting.'
  }
  if (action === 'stop' && kind === 'stopped') return 'It is already stopped.'
  if (action === 'destroy' && environment.isProtected) return 'Deletion protection is on.'
  return null
}

function inFlightBlock(operation: Operation, ageMs: number): string {
  const what = OPERATION_WORDS[operation.kind]
  return `${what} by ${actorText(operation.actor)} is running: ${stepText(operation)}, ${spanText(ageMs)}.`
}

/** Why an action cannot be pressed now, as one sentence; null when it can. */
export function actionBlock(action: EnvironmentAction, facts: ActionFacts): string | null {
  const { environment, inFlight, unanswered, now } = facts
  if (environment === undefined) return 'The environment does not exist.'
  if (unanswered !== undefined) return `${OPERATION_WORDS[unanswered]} was asked for; the host has not answered yet.`
  const blocked = hostBlock(facts.host, action, now)
  if (blocked !== null) return blocked
  if (inFlight !== undefined) return inFlightBlock(inFlight, now - facts.inFlightSince)
  return stateBlock(action, environment)
}
