import { metaAt } from '../../src-shared/contract/client.ts'
import { daemonContract } from '../../src-shared/contract/daemon.ts'
import type { Environment, ObservedState } from '../../src-shared/model/environment.ts'
import type { Host } from '../../src-shared/model/host.ts'
import type { Operation, OperationKind } from '../../src-shared/model/operation.ts'
import type { Role } from '../../src-shared/model/role.ts'
import { spanText } from './format.ts'
import { actorText, OPERATION_WORDS, stepText } from './operation-words.ts'
import { roleBlock } from './role-block.ts'

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

/** What can be done with an environment, and the call that does it. */
const CALLS = {
  start: ['environments', 'start'],
  stop: ['environments', 'stop'],
  reboot: ['environments', 'reboot'],
  recover: ['environments', 'recover'],
  resize: ['environments', 'resize'],
  rename: ['environments', 'rename'],
  labels: ['environments', 'setLabels'],
  protection: ['environments', 'setProtection'],
  reset: ['environments', 'reset', 'run'],
  destroy: ['environments', 'destroy', 'run'],
} as const
export type EnvironmentAction = keyof typeof CALLS
export const ENVIRONMENT_ACTIONS = Object.keys(CALLS) as EnvironmentAction[]

/** Change neither guest nor home: no operation stands in their way. */
const CLAIM_NOTHING: ReadonlySet<EnvironmentAction> = new Set(['rename', 'labels', 'protection'])
/** What a malformed record still allows. */
const SAFE_IN_QUARANTINE: ReadonlySet<EnvironmentAction> = new Set(['destroy', 'protection'])

type Asked = EnvironmentAction | 'spawn' | 'type'

function neededRole(what: Asked): Role {
  if (what === 'type') return 'operator'
  const path = what === 'spawn' ? ['environments', 'spawn'] : CALLS[what]
  return metaAt(daemonContract, path)?.role ?? 'admin'
}

/** Why nothing that needs `what` can be asked of a host now; null when it can. */
export function hostBlock(host: Host | undefined, what: Asked, now: number): string | null {
  return roleBlock(host, neededRole(what), now)
}

const STATE_WORDS: Record<ObservedState['kind'], string> = {
  creating: 'still starting',
  booting: 'still starting',
  running: 'running',
  stopping: 'being stopped',
  stopped: 'stopped',
  failed: 'failed',
  lost: 'lost',
  unknown: 'unknown',
}

function startBlock(kind: ObservedState['kind']): string | null {
  if (kind === 'running') return 'It is already running.'
  if (kind === 'creating' || kind === 'booting') return 'It is already starting.'
  return kind === 'stopping' ? 'It is being stopped.' : null
}

function resizeBlock({ observed, home }: Environment): string | null {
  if (home.goneAt !== null) return 'Its home is gone; there is nothing to resize.'
  if (observed.kind === 'stopped') return null
  return `Only a stopped environment can be resized; it is ${STATE_WORDS[observed.kind]}.`
}

function stateBlock(action: EnvironmentAction, environment: Environment): string | null {
  const { kind } = environment.observed
  switch (action) {
    case 'start':
      return startBlock(kind)
    case 'stop':
      return kind === 'stopped' ? 'It is already stopped.' : null
    case 'reboot':
      if (kind === 'running' || kind === 'unknown') return null
      return `Only a guest that runs can be rebooted; it is ${STATE_WORDS[kind]}.`
    case 'resize':
      return resizeBlock(environment)
    case 'reset':
    case 'destroy':
      return environment.isProtected ? 'Deletion protection is on; switch it off first.' : null
    default:
      return null
  }
}

/** What goes on and is in the way, with its step and age. */
export function runningBlock(operation: Operation, ageMs: number): string {
  const what = OPERATION_WORDS[operation.kind]
  return `${what} by ${actorText(operation.actor)} is running: ${stepText(operation)}, ${spanText(ageMs)}.`
}

/** The operation that holds the environment stands in the way. */
export function inFlightBlock({ environment, inFlight, inFlightSince, now }: ActionFacts): string | null {
  if (inFlight !== undefined) return runningBlock(inFlight, now - inFlightSince)
  const isHeld = environment !== undefined && environment.operationId !== null
  return isHeld ? 'An operation is running on it; the host has not said which yet.' : null
}

/** What may stand in the way whatever state the environment is in. */
interface Walls {
  /** It changes what a command of ours, still unanswered, changes too. */
  readonly isClaiming: boolean
  readonly hostBlock: string | null
  readonly isSafeInQuarantine: boolean
}

/** Why something cannot be done with the environment in any state; null when its state is to be looked at. */
export function wallBlock({ environment, unanswered }: ActionFacts, walls: Walls): string | null {
  if (environment === undefined) return 'The environment does not exist.'
  if (walls.isClaiming && unanswered !== undefined)
    return `${OPERATION_WORDS[unanswered]} was asked for; the host has not answered yet.`
  if (walls.hostBlock !== null) return walls.hostBlock
  if (environment.quarantine !== null && !walls.isSafeInQuarantine)
    return 'It is quarantined: its record is malformed, and nothing but destroying it is safe.'
  return null
}

/** Why an action cannot be pressed now, as one sentence; null when it can. */
export function actionBlock(action: EnvironmentAction, facts: ActionFacts): string | null {
  const isClaiming = !CLAIM_NOTHING.has(action)
  const wall = wallBlock(facts, {
    isClaiming,
    hostBlock: hostBlock(facts.host, action, facts.now),
    isSafeInQuarantine: SAFE_IN_QUARANTINE.has(action),
  })
  if (wall !== null || facts.environment === undefined) return wall
  return (isClaiming ? inFlightBlock(facts) : null) ?? stateBlock(action, facts.environment)
}
