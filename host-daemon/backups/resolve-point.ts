import { PilothouseError } from '../../src-shared/error.ts'
import type { Clock } from '../../src-shared/lib/clock.ts'
import type { EnvironmentId, RecoveryPointRef } from '../../src-shared/model/ids.ts'
import { doubtsOfPoint, isGoodPoint } from '../../src-shared/model/point-doubts.ts'
import type { StoredPoint } from '../store/points-table.ts'
import type { Store } from '../store/store.ts'

const NAME_IT = 'Name a recovery point by its id.'
/** The newest good one is nearly always among so many of the newest; where it is not, all are gone through. */
const FIRST_LOOK = 20
const EVERY = 2 ** 31 - 1

/** Whose point it has to be. */
export interface PointOwner {
  readonly id: EnvironmentId
  /** For the message. */
  readonly name: string
}

/** What is needed to know which point is meant. */
export interface PointRecord {
  readonly store: Store
  readonly clock: Clock
}

/**
 * The one point that `ref` means for this environment, by the daemon's own record alone: not forgotten as far as is known.
 * `latest` is the newest that nothing speaks against. Throws `no_recovery_point` where there is none, or where that cannot
 * be told for certain; `invalid_request` for digits that more than one point begins with, whosever they are;
 * `point_foreign` for a point of another environment. Nothing is ever put in place of what was asked for.
 */
export function resolvePoint(record: PointRecord, owner: PointOwner, ref: RecoveryPointRef): StoredPoint {
  return ref === 'latest' ? newestGoodPoint(record, owner) : pointById(record.store, owner, ref)
}

/** As `resolvePoint`, but that `latest` is the newest whatever speaks against it: whoever asks is to find that out. */
export function resolveAnyPoint(record: PointRecord, owner: PointOwner, ref: RecoveryPointRef): StoredPoint {
  if (ref !== 'latest') return pointById(record.store, owner, ref)
  return newestPoints(record, owner, 1)[0] ?? none(`${owner.name} has no recovery point.`)
}

/**
 * That `latest` was understood as `point`, and that this is not the newest one: one sentence, to be told along with
 * whatever comes of it. Empty where there is nothing to tell.
 */
export function noteOnLatest(
  { store, clock }: PointRecord,
  ref: RecoveryPointRef,
  { id, environmentId }: StoredPoint,
): { readonly note?: string } {
  const newest = ref === 'latest' ? store.points.newest(environmentId).get(environmentId)?.point : undefined
  if (newest === undefined || newest === null || newest.id === id) return {}
  const why = doubtsOfPoint(newest, clock.now()).join('; ')
  return {
    note: `The latest good point is ${id.slice(0, 8)}; the newest, ${newest.id.slice(0, 8)}, is passed over: ${why}.`,
  }
}

/** The newest point of the environment that nothing speaks against, among those whose record can be read. */
export function findGoodPoint({ store, clock }: PointRecord, environmentId: EnvironmentId): StoredPoint | undefined {
  const now = clock.now()
  const among = (limit: number) => store.points.list({ environmentId, limit }).find((point) => isGoodPoint(point, now))
  return among(FIRST_LOOK) ?? among(EVERY)
}

function newestGoodPoint(record: PointRecord, owner: PointOwner): StoredPoint {
  const [newest] = newestPoints(record, owner, 1)
  if (newest === undefined) return none(`${owner.name} has no recovery point.`)
  const good = findGoodPoint(record, owner.id)
  if (good !== undefined) return good
  const why = doubtsOfPoint(newest, record.clock.now()).join('; ')
  const message = `None of the recovery points of ${owner.name} is good. Of the newest, ${newest.id.slice(0, 8)}: ${why}.`
  throw new PilothouseError('no_recovery_point', message, { hint: NAME_IT })
}

/** Throws where a malformed row may be one of them. */
function newestPoints({ store: { points } }: PointRecord, { id, name }: PointOwner, limit: number): StoredPoint[] {
  const unreadable = points.countUnreadable(id)
  if (unreadable === 0) return points.list({ environmentId: id, limit })
  const message = `The record of ${unreadable} recovery points of ${name} is malformed, so that which one is the newest cannot be told.`
  throw new PilothouseError('no_recovery_point', message, { hint: NAME_IT })
}

function pointById({ points }: Store, { id, name }: PointOwner, ref: RecoveryPointRef): StoredPoint {
  const [found, another] = points.candidates(ref)
  if (found === undefined) return none(`No recovery point ${ref} of ${name} is on record.`)
  if (another !== undefined) {
    const message = `point: more than one recovery point on this host begins with ${ref}; give more of its digits.`
    throw new PilothouseError('invalid_request', message, { details: { field: 'point' } })
  }
  if (found === null) return none(`What is on record of the recovery point ${ref} is malformed.`)
  if (found.environmentId !== id) {
    const message = `The recovery point ${found.id.slice(0, 8)} is of ${found.environmentId}, not of ${name}.`
    throw new PilothouseError('point_foreign', message, { details: { environmentId: found.environmentId } })
  }
  if (found.forgottenAt === null) return found
  return none(`The recovery point ${found.id.slice(0, 8)} of ${name} is no longer in the repository.`)
}

function none(message: string): never {
  throw new PilothouseError('no_recovery_point', message)
}
