import { bytesText } from '../../src-shared/lib/bytes-text.ts'
import { OPERATION_PROMISES } from '../../src-shared/model/operation.ts'
import type { Plan } from '../../src-shared/model/plan.ts'
import { hashOf } from '../operations/input-hash.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { KeptHome } from '../store/kept-homes-table.ts'
import type { PlanFacts } from '../store/tickets-table.ts'
import { freshHomeBytes } from './home-room.ts'
import { bytesOf, guestFate, homeLoss, needsNameFor, type HomeFinding } from './plan-home.ts'
import { staysKept } from './plan-kept.ts'
import type { EnvironmentDeadlines } from './toolkit.ts'

export interface ResetSurroundings {
  readonly hostName: string
  readonly deadlines: EnvironmentDeadlines
  /** What there are of recovery points; see `HomeProtection`. */
  readonly protection: string
  /** Homes beside its own, which the reset does not touch. */
  readonly kept: readonly KeptHome[]
  /** Null where it could not be told. */
  readonly freeBytes: number | null
  /** What the plan rests on. */
  readonly facts: PlanFacts
}

/** The plan of a reset, with the text that is shown, logged and recorded. */
export function resetPlan(environment: StoredEnvironment, home: HomeFinding, around: ResetSurroundings): Plan {
  const { id, name, generation } = environment
  const losses = [homeLoss(environment, home)]
  const keeps = [...around.kept.map(staysKept), ...keptBy(environment)]
  const text = [
    opening(environment, around.hostName),
    guestFate(environment),
    ...losses,
    around.protection,
    'No backup is made of it first. Until the guest is ready on its new home the old one is kept whole, and comes back if anything fails; after that it is gone for good, and no undo brings it back.',
    ...keeps,
    downtime(around.deadlines),
    ...disk(environment, home, around.freeBytes),
    ...DIFFERENCES,
  ].join('\n')
  const needsName = needsNameFor(environment, home)
  const hash = hashOf({ kind: 'reset', environmentId: id, facts: around.facts, text, needsName })
  const about = { environmentId: id, environmentName: name, generation }
  return { kind: 'reset', ...about, text, losses, keeps, homeBytes: bytesOf(home), needsName, hash }
}

/** How the three ways back differ, a line each. */
const DIFFERENCES = [
  `Recover: ${OPERATION_PROMISES.recover}`,
  `Restore: ${OPERATION_PROMISES.restore}`,
  `Reset: ${OPERATION_PROMISES.reset}`,
]

function opening({ id, name, owner, image }: StoredEnvironment, hostName: string): string {
  return `Reset ${name} (${id}) of owner ${owner} on host ${hostName}: destroys its home and starts fresh from the image ${image}.`
}

function keptBy({ startup }: StoredEnvironment): string[] {
  const told = startup === null ? '' : ', its start-up command, variables and files'
  return [
    `Its name, id, owner, size and labels are kept${told}.`,
    'The record of what was done with it is kept.',
    'The console journals of its earlier boots can still be read, until their space is needed.',
  ]
}

function downtime({ startMs, stopForceMs }: EnvironmentDeadlines): string {
  const most = Math.ceil((startMs + stopForceMs) / 1000)
  return `It is down for one boot, from the end of the old guest until the new one is ready: at most ${most} s before it is given up.`
}

function disk({ size: { homeMiB } }: StoredEnvironment, home: HomeFinding, freeBytes: number | null): string[] {
  const needed = `The new home needs up to ${bytesText(freshHomeBytes(homeMiB))} of disk beside the old one, and grows with what is written to it, up to ${homeMiB} MiB`
  const free = freeBytes === null ? 'how much is free could not be told now' : `${bytesText(freeBytes)} are free`
  const freed = bytesOf(home)
  const after = `Once it is ready, the ${bytesText(freed ?? 0)} that the old one takes are free again.`
  return [`${needed}; ${free}.`, ...(freed === null || freed === 0 ? [] : [after])]
}
