import { PilothouseError } from '../../src-shared/error.ts'
import type { Environment, ObservedState } from '../../src-shared/model/environment.ts'
import type { EnvironmentId, EnvironmentRef, OwnerName } from '../../src-shared/model/ids.ts'
import { toWireEnvironment, type StoredEnvironment } from '../store/environment-row.ts'
import type { Store } from '../store/store.ts'

/** States in which no guest exists; they stay true as long as the daemon looks after them. */
const WITHOUT_GUEST: readonly ObservedState['kind'][] = ['creating', 'stopped', 'lost', 'failed']

/** Environments as callers see them, with the age of what is said of them. */
export class EnvironmentViews {
  private readonly store: Store
  private readonly confirmed = new Map<EnvironmentId, number>()
  private passedAt = 0

  constructor(store: Store) {
    this.store = store
  }

  /** The state was confirmed without having changed; kept in memory, so that looking costs no durable write. */
  confirm(id: EnvironmentId, at: number): void {
    this.confirmed.set(id, at)
  }

  /** Every guest was asked; those that answered were confirmed one by one. */
  confirmPass(at: number, live: ReadonlySet<EnvironmentId>): void {
    this.passedAt = at
    for (const id of this.confirmed.keys()) if (!live.has(id)) this.confirmed.delete(id)
  }

  /** When the daemon last looked at all of them, on the host's clock; 0 before it first did. */
  get lastPassAt(): number {
    return this.passedAt
  }

  of(stored: StoredEnvironment): Environment {
    return { ...toWireEnvironment(stored), observedAt: this.observedAt(stored) }
  }

  observedAt({ id, observed, observedAt }: StoredEnvironment): number {
    const confirmedAt = this.confirmed.get(id) ?? (WITHOUT_GUEST.includes(observed.kind) ? this.passedAt : 0)
    return Math.max(observedAt, confirmedAt)
  }

  list(owner?: OwnerName): Environment[] {
    const all = this.store.environments.list()
    return all.filter((stored) => owner === undefined || stored.owner === owner).map((stored) => this.of(stored))
  }

  /** Undefined once it is destroyed. */
  find(id: EnvironmentId): Environment | undefined {
    const stored = this.store.environments.find(id)
    return stored === undefined || stored.destroyedAt !== null ? undefined : this.of(stored)
  }
}

/** The same, or the id of one that is destroyed: its record outlives it. Throws `not_found`. */
export function resolveRecorded(store: Store, ref: EnvironmentRef): EnvironmentId {
  return store.environments.resolve(ref)?.id ?? store.environments.find(ref as EnvironmentId)?.id ?? notFound(ref)
}

/** The environment that `ref` names. Throws `not_found`. */
export function resolveEnvironment(store: Store, ref: EnvironmentRef): StoredEnvironment {
  return store.environments.resolve(ref) ?? notFound(ref)
}

function notFound(ref: EnvironmentRef): never {
  throw new PilothouseError('not_found', `There is no environment ${ref} on this host.`)
}
