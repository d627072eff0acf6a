import type { Plan } from '../../src-shared/model/plan.ts'
import { hashOf } from '../operations/input-hash.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { PlanFacts } from '../store/tickets-table.ts'
import type { Toolkit } from './toolkit.ts'

/** What the plan rests on. The guest's file contents always change and are not among it. */
export function factsOf(environment: StoredEnvironment): PlanFacts {
  const { name, owner, image, desired, generation, home } = environment
  return { name, owner, image, desired, generation, homeId: home.id }
}

/** What has changed between two looks, a phrase each. */
export function changesBetween(then: PlanFacts, now: PlanFacts): string[] {
  return Object.keys(then)
    .filter((fact) => then[fact] !== now[fact])
    .map((fact) => `${fact} was ${then[fact] ?? 'nothing'} and is ${now[fact] ?? 'nothing'}`)
}

/** The home as it was found; `bytes` is null where it could not be read, `problem` says why. */
export interface HomeFinding {
  readonly bytes: number | null
  readonly isEmpty: boolean
  readonly problem: string | null
}

/** A home counts as empty where no guest ever had it, or where it is positively absent; in doubt it is not. */
export async function inspectHome({ store, drivers }: Toolkit, environment: StoredEnvironment): Promise<HomeFinding> {
  const wasUsed = environment.boot !== null && store.environments.homeMadeAt(environment.home.id) !== null
  try {
    const found = await drivers.of(environment).inspectHome(environment.home.id)
    if (found.kind === 'absent') return { bytes: 0, isEmpty: true, problem: null }
    return { bytes: found.bytes, isEmpty: !wasUsed, problem: null }
  } catch (error) {
    return { bytes: null, isEmpty: !wasUsed, problem: error instanceof Error ? error.message : 'unknown' }
  }
}

/** The plan of a destroy, with the text that is shown, logged and recorded. */
export function destroyPlan(environment: StoredEnvironment, home: HomeFinding, hostName: string): Plan {
  const { id, name, owner, generation } = environment
  const losses = [guestLoss(environment), homeLoss(environment, home)]
  const keeps = ['The record of what was done with it is kept.']
  const opening = `Destroy ${name} (${id}) of owner ${owner} on host ${hostName}: removes the guest and its home for good.`
  const text = [opening, ...losses, 'No backup is made of it first; it cannot be undone.', ...keeps].join('\n')
  const needsName = !home.isEmpty
  const hash = hashOf({ kind: 'destroy', environmentId: id, facts: factsOf(environment), text, needsName })
  const about = { environmentId: id, environmentName: name, generation }
  return { kind: 'destroy', ...about, text, losses, keeps, homeBytes: home.bytes, needsName, hash }
}

function guestLoss({ observed }: StoredEnvironment): string {
  if (observed.kind === 'running') return 'The guest is running and is ended at once.'
  if (observed.kind === 'unknown') return 'Whether the guest runs is not known now; if it does, it is ended at once.'
  return 'The guest is not running.'
}

function homeLoss({ home }: StoredEnvironment, { bytes, isEmpty, problem }: HomeFinding): string {
  const size = `Its home ${home.id} of ${home.sizeMiB} MiB`
  if (problem !== null) return `${size} is removed. How much is in it could not be read: ${problem}`
  if (isEmpty) return `${size} is removed; no guest has ever used it.`
  return `${size}, taking ${bytes ?? 0} bytes on disk, is removed with everything in it.`
}
