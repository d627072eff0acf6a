import { bytesText } from '../../src-shared/lib/bytes-text.ts'
import type { DropPlan } from '../../src-shared/model/restore.ts'
import { keptFor } from '../environments/plan-kept.ts'
import { timeOf } from '../environments/plan-words.ts'
import { hashOf } from '../operations/input-hash.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { PlanFacts } from '../store/tickets-table.ts'
import type { KeptAside, KeptSeen } from './undo-kept.ts'

export interface DropFindings {
  readonly environment: StoredEnvironment
  readonly kept: KeptAside
  /** The kept home as it was found. */
  readonly seen: KeptSeen
  /** What homes can still take on the host; null where that could not be told. */
  readonly freeBytes: number | null
}

interface DropSurroundings {
  readonly hostName: string
  readonly facts: PlanFacts
}

/** The plan of giving a kept home up, with the text that is shown, logged and recorded. */
export function dropPlan(found: DropFindings, { hostName, facts }: DropSurroundings): DropPlan {
  const { environment, kept, seen, freeBytes } = found
  const { id, name, generation } = environment
  const [losses, keeps] = [lossesOf(found), keepsOf(environment)]
  const text = [opening(found, hostName), ...losses, ...proof(kept), space(found), ...keeps].join('\n')
  const needsName = seen.kind !== 'absent'
  return {
    kind: 'drop_undo',
    ...{ environmentId: id, environmentName: name, generation },
    ...{ text, losses, keeps, needsName },
    homeBytes: bytesOf(seen),
    hash: hashOf({ kind: 'drop_undo', environmentId: id, facts, text, needsName }),
    homeId: kept.homeId,
    keptFor: kept.purpose,
    replacedAt: kept.keptAt,
    undoUntil: kept.purpose === 'undo' ? kept.until : null,
    diskFreeBytes: freeBytes,
  }
}

function bytesOf(seen: KeptSeen): number | null {
  if (seen.kind === 'present') return seen.bytes
  return seen.kind === 'absent' ? 0 : null
}

function opening({ environment, kept }: DropFindings, hostName: string): string {
  const { id, name, owner } = environment
  const what = `the home ${kept.homeId}, which was replaced at ${timeOf(kept.keptAt)} and is ${keptFor(kept)}`
  return `Give up a kept home of ${name} (${id}) of owner ${owner} on host ${hostName}: removes ${what}.`
}

function lossesOf({ kept: { homeId, purpose }, seen }: DropFindings): string[] {
  if (seen.kind === 'absent') return []
  const size = seen.kind === 'present' ? `, taking ${bytesText(seen.bytes)} on disk,` : ''
  const how = seen.kind === 'present' ? '' : ` How much is in it could not be read: ${seen.problem}`
  const undo = purpose === 'undo' ? ['After that there is nothing to undo to.'] : []
  const gone = `The home ${homeId}${size} is removed with everything in it. No backup is made of it first; it cannot be taken back.`
  return [`${gone}${how}`, ...undo]
}

/** Whether the home that is in use instead is known to be good: what is given up may be the only good one. */
function proof({ purpose, isProved }: KeptAside): string[] {
  if (isProved) return []
  const doubt = 'Nothing on record says that a guest was ever ready on what took its place: look at that first.'
  const review = 'It was kept because going back had failed, or because what took its place never proved itself.'
  return purpose === 'review' ? [review, doubt] : [doubt]
}

function space({ seen, freeBytes }: DropFindings): string {
  const free = freeBytes === null ? 'How much is free now could not be told.' : `${bytesText(freeBytes)} are free now.`
  if (seen.kind === 'absent') return `It is gone from the disk already: only the record of it is removed. ${free}`
  const freed = seen.kind === 'present' ? `${bytesText(seen.bytes)} of disk are` : 'the disk that it takes is'
  return `At once ${freed} free again. ${free}`
}

function keepsOf({ home, isProtected }: StoredEnvironment): string[] {
  const covered = 'Deletion protection does not cover it: it guards the home that the environment uses.'
  return [
    `Its own home ${home.id} and its guest are not touched; the guest goes on as it is.`,
    ...(isProtected ? [covered] : []),
    'All recovery points and the record of what was done are kept.',
  ]
}
