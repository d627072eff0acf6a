import { PilothouseError } from '../../src-shared/error.ts'
import type { EnvironmentId, RecoveryPointRef } from '../../src-shared/model/ids.ts'
import type { StoredPoint } from '../store/points-table.ts'
import type { Store } from '../store/store.ts'

/** Whose point it has to be. */
export interface PointOwner {
  readonly id: EnvironmentId
  /** For the message. */
  readonly name: string
}

/**
 * The one good point that `ref` means for this environment, by the daemon's own record alone: complete, and not forgotten
 * as far as is known. `latest` is the newest of them. Throws `no_recovery_point` where there is none, or where that
 * cannot be told for certain; `invalid_request` for digits that more than one point begins with, whosever they are;
 * `point_foreign` for a point of another environment. Nothing is ever put in place of what was asked for.
 */
export function resolvePoint(store: Store, owner: PointOwner, ref: RecoveryPointRef): StoredPoint {
  return ref === 'latest' ? newestPoint(store, owner) : pointById(store, owner, ref)
}

function newestPoint({ points }: Store, { id, name }: PointOwner): StoredPoint {
  const unreadable = points.countUnreadable(id)
  if (unreadable > 0) {
    const message = `The record of ${unreadable} recovery points of ${name} is malformed, so that which one is the newest cannot be told.`
    throw new PilothouseError('no_recovery_point', message, { hint: 'Name a recovery point by its id.' })
  }
  const [newest] = points.list({ environmentId: id, limit: 1 })
  return newest ?? none(`${name} has no recovery point.`)
}

function pointById({ points }: Store, { id, name }: PointOwner, ref: RecoveryPointRef): StoredPoint {
  const [found, another] = points.candidates(ref)
  if (found === undefined) return none(`No recovery point ${ref} of ${name} is on record.`)
  if (another !== undefined) {
    const message = `point: more than one recovery point on this host begins with ${ref}; give more of its digits.`
    throw new PilothouseError('invalid_request', message, { details: { field: 'point' } })
  }
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
