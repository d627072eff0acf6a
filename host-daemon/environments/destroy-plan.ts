import type { HomeId } from '../../src-shared/model/ids.ts'
import type { Plan } from '../../src-shared/model/plan.ts'
import { hashOf } from '../operations/input-hash.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { KeptHome } from '../store/kept-homes-table.ts'
import type { PlanFacts } from '../store/tickets-table.ts'
import { bytesOf, guestFate, homeLoss, needsNameFor, type HomeFinding } from './plan-home.ts'
import { goesToo } from './plan-kept.ts'

export interface DestroySurroundings {
  readonly hostName: string
  /** Homes on record as its own beside the one that it uses; a destroy removes them too. */
  readonly furtherHomes: readonly HomeId[]
  /** What some of them are kept for. */
  readonly kept: readonly KeptHome[]
  /** What there are of recovery points; see `HomeProtection`. */
  readonly protection: string
  /** What the plan rests on. */
  readonly facts: PlanFacts
}

/** The plan of a destroy, with the text that is shown, logged and recorded. */
export function destroyPlan(environment: StoredEnvironment, home: HomeFinding, around: DestroySurroundings): Plan {
  const { id, name, owner, generation } = environment
  const { hostName, furtherHomes, kept, protection, facts } = around
  const used = isBeyondTelling(environment, home) ? [] : [homeLoss(environment, home)]
  const losses = [...used, ...furtherHomes.map((homeId) => furtherLoss(homeId, kept)), ...quarantineLoss(environment)]
  const keeps = [
    'The record of what was done with it is kept.',
    `Its console journals can still be read under ${id}, until their space is needed.`,
  ]
  const opening = `Destroy ${name} (${id}) of owner ${owner} on host ${hostName}: removes the guest and its home for good.`
  const warning = 'No backup is made of it first; it cannot be undone.'
  const offer = offerOf(environment, home)
  const text = [opening, guestFate(environment), ...losses, protection, ...offer, warning, ...keeps].join('\n')
  const needsName = furtherHomes.length > 0 || needsNameFor(environment, home)
  const hash = hashOf({ kind: 'destroy', environmentId: id, facts, text, needsName })
  const about = { environmentId: id, environmentName: name, generation }
  return {
    kind: 'destroy',
    ...about,
    text,
    losses,
    keeps,
    homeBytes: isBeyondTelling(environment, home) ? null : bytesOf(home),
    needsName,
    hash,
  }
}

/** A backup is not the destroy's to make: it may fail, and whether to go on then is for whoever asked to decide. */
function offerOf({ name, quarantine }: StoredEnvironment, { kind }: HomeFinding): string[] {
  if (quarantine !== null || kind === 'absent') return []
  return [`To keep what is in it as it is now, make a final backup first: pilothouse backup now ${name}.`]
}

/** That a home is not there which a malformed record names says nothing of any home that there was. */
function isBeyondTelling({ quarantine }: StoredEnvironment, { kind }: HomeFinding): boolean {
  return quarantine !== null && kind === 'absent'
}

/** Such as one that is kept for undo, or the old home of a reset that could not be removed. */
function furtherLoss(homeId: HomeId, homes: readonly KeptHome[]): string {
  const kept = homes.find((home) => home.homeId === homeId)
  if (kept !== undefined) return goesToo(kept)
  return `Its further home ${homeId} is removed with everything in it.`
}

/** What its record says cannot be relied on, and least of all that nothing is in its homes. */
function quarantineLoss({ quarantine }: StoredEnvironment): string[] {
  if (quarantine === null) return []
  return [quarantine, 'Every home that is recorded as its own is removed with everything in it, whichever it uses.']
}
