import type { Plan } from '../../src-shared/model/plan.ts'
import { hashOf } from '../operations/input-hash.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { PlanFacts } from '../store/tickets-table.ts'
import { lookAtHome } from './home-look.ts'
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

/** The home as it was found. */
export type HomeFinding =
  | { readonly kind: 'present'; readonly bytes: number; readonly isEmpty: boolean }
  | { readonly kind: 'absent'; readonly wasUsed: boolean }
  | { readonly kind: 'unreadable'; readonly problem: string; readonly isEmpty: boolean }

/** A home counts as empty where no guest ever had it; in doubt it does not. */
export async function inspectHome(toolkit: Toolkit, environment: StoredEnvironment): Promise<HomeFinding> {
  const madeAt = toolkit.store.environments.homeMadeAt(environment.home.id)
  const wasUsed = environment.boot !== null && madeAt !== null
  try {
    const found = await lookAtHome(toolkit, environment)
    return found.kind === 'absent' ? { ...found, wasUsed } : { ...found, isEmpty: !wasUsed }
  } catch (error) {
    const problem = error instanceof Error ? error.message : 'unknown'
    return { kind: 'unreadable', problem, isEmpty: !wasUsed }
  }
}

/** The plan of a destroy, with the text that is shown, logged and recorded. */
export function destroyPlan(environment: StoredEnvironment, home: HomeFinding, hostName: string): Plan {
  const { id, name, owner, generation } = environment
  const guest = guestFate(environment)
  const losses = [homeLoss(environment, home)]
  const keeps = [
    'The record of what was done with it is kept.',
    `Its console journals can still be read under ${id}, until their space is needed.`,
  ]
  const opening = `Destroy ${name} (${id}) of owner ${owner} on host ${hostName}: removes the guest and its home for good.`
  const text = [opening, guest, ...losses, 'No backup is made of it first; it cannot be undone.', ...keeps].join('\n')
  const needsName = home.kind !== 'absent' && !home.isEmpty
  const homeBytes = home.kind === 'present' ? home.bytes : home.kind === 'absent' ? 0 : null
  const hash = hashOf({ kind: 'destroy', environmentId: id, facts: factsOf(environment), text, needsName })
  const about = { environmentId: id, environmentName: name, generation }
  return { kind: 'destroy', ...about, text, losses, keeps, homeBytes, needsName, hash }
}

function guestFate({ observed }: StoredEnvironment): string {
  if (observed.kind === 'running') return 'The guest is running and is ended at once.'
  if (observed.kind === 'stopped' || observed.kind === 'lost') return 'The guest is not running.'
  if (observed.kind === 'failed') return 'The guest has failed; whatever is left of it is ended at once.'
  return 'Whether the guest runs is not known now; if it does, it is ended at once.'
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / (1024 * 1024))} MiB`
}

function homeLoss({ home: { id, sizeMiB } }: StoredEnvironment, found: HomeFinding): string {
  const size = `Its home ${id} of ${sizeMiB} MiB`
  if (found.kind === 'unreadable') {
    return `${size} is removed. How much is in it could not be read: ${found.problem}`
  }
  if (found.kind === 'absent') {
    return found.wasUsed ? `${size} is gone already, with everything that was in it.` : `${size} was never made.`
  }
  if (found.isEmpty) return `${size} is removed; no guest has ever used it.`
  return `${size}, taking ${mebibytes(found.bytes)} on disk, is removed with everything in it.`
}
