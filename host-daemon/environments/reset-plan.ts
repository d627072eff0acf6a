import { OPERATION_PROMISES } from '../../src-shared/model/operation.ts'
import type { Plan } from '../../src-shared/model/plan.ts'
import { hashOf } from '../operations/input-hash.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import { factsOf } from './plan-facts.ts'
import { bytesOf, guestFate, homeLoss, needsNameFor, type HomeFinding } from './plan-home.ts'
import type { EnvironmentDeadlines } from './toolkit.ts'

export interface ResetSurroundings {
  readonly hostName: string
  readonly deadlines: EnvironmentDeadlines
  /** What there are of recovery points; see `HomeProtection`. */
  readonly protection: string
}

/** The plan of a reset, with the text that is shown, logged and recorded. */
export function resetPlan(environment: StoredEnvironment, home: HomeFinding, around: ResetSurroundings): Plan {
  const { id, name, generation } = environment
  const losses = [homeLoss(environment, home)]
  const keeps = keptBy(environment)
  const text = [
    opening(environment, around.hostName),
    guestFate(environment),
    ...losses,
    around.protection,
    'No backup is made of it first. Until the guest is ready on its new home the old one is kept whole, and comes back if anything fails; after that it cannot be undone.',
    ...keeps,
    downtime(around.deadlines),
    diskNeeded(environment),
    ...DIFFERENCES,
  ].join('\n')
  const needsName = needsNameFor(environment, home)
  const hash = hashOf({ kind: 'reset', environmentId: id, facts: factsOf(environment), text, needsName })
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

function diskNeeded({ size: { homeMiB } }: StoredEnvironment): string {
  return `Until the old home is removed, the new one needs up to ${homeMiB} MiB of disk beside it; how much is free is not known beforehand.`
}
