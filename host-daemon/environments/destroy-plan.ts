import type { Plan } from '../../src-shared/model/plan.ts'
import { hashOf } from '../operations/input-hash.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import { factsOf } from './plan-facts.ts'
import { bytesOf, guestFate, homeLoss, needsNameFor, type HomeFinding } from './plan-home.ts'

/** The plan of a destroy, with the text that is shown, logged and recorded. */
export function destroyPlan(environment: StoredEnvironment, home: HomeFinding, hostName: string): Plan {
  const { id, name, owner, generation } = environment
  const losses = [homeLoss(environment, home), ...quarantineLoss(environment)]
  const keeps = [
    'The record of what was done with it is kept.',
    `Its console journals can still be read under ${id}, until their space is needed.`,
  ]
  const opening = `Destroy ${name} (${id}) of owner ${owner} on host ${hostName}: removes the guest and its home for good.`
  const warning = 'No backup is made of it first; it cannot be undone.'
  const text = [opening, guestFate(environment), ...losses, warning, ...keeps].join('\n')
  const needsName = needsNameFor(environment, home)
  const hash = hashOf({ kind: 'destroy', environmentId: id, facts: factsOf(environment), text, needsName })
  const about = { environmentId: id, environmentName: name, generation }
  return { kind: 'destroy', ...about, text, losses, keeps, homeBytes: bytesOf(home), needsName, hash }
}

/** What its record says cannot be relied on, and least of all that nothing is in its homes. */
function quarantineLoss({ quarantine }: StoredEnvironment): string[] {
  if (quarantine === null) return []
  return [quarantine, 'Every home that is recorded as its own is removed with everything in it, whichever it uses.']
}
