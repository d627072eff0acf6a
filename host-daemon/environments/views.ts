import { PilothouseError } from '../../src-shared/error.ts'
import type { Clock } from '../../src-shared/lib/clock.ts'
import { keepOnly } from '../../src-shared/lib/keep-only.ts'
import type { Environment, ObservedState } from '../../src-shared/model/environment.ts'
import type { EnvironmentId, EnvironmentRef, OwnerName } from '../../src-shared/model/ids.ts'
import { toWireEnvironment, type StoredEnvironment } from '../store/environment-row.ts'
import type { Store } from '../store/store.ts'

/** States in which no guest exists; they stay true as long as the daemon looks after them. */
const WITHOUT_GUEST: readonly ObservedState['kind'][] = ['creating', 'stopped', 'lost', 'failed']

/** A stored time this far ahead of the host's clock, in milliseconds, is of another clock. */
const TOLERANCE_MS = 1_000
/** Evidence of an age that nobody knows counts as this old, in milliseconds, when it is first seen. */
const UNKNOWN_AGE_MS = 60 * 60_000

/** A moment at which something was seen to be so. */
export interface Look {
  /** By the host's clock as it was then. */
  readonly at: number
  /** In real time; of use in this daemon's life alone. */
  readonly real: number
}

/**
 * Environments as callers see them, with the age of what is said of them. Evidence ages in real time, whatever the host's
 * clock is set to; only what an earlier daemon saw is aged by the clock, and is old where the clock says that it is yet to
 * come.
 */
export class EnvironmentViews {
  private readonly store: Store
  private readonly clock: Clock
  private readonly confirmed = new Map<EnvironmentId, Look>()
  /** When what is stored was seen; first told apart when it is first read, which is at every look at all of them. */
  private readonly stored = new Map<EnvironmentId, Look>()
  private passed: Look | undefined

  constructor(store: Store, clock: Clock) {
    this.store = store
    this.clock = clock
  }

  /** This moment, for whoever is about to look. */
  now(): Look {
    return { at: this.clock.now(), real: this.clock.monotonicMs() }
  }

  /** The state was confirmed without having changed; kept in memory, so that looking costs no durable write. */
  confirm(id: EnvironmentId, look: Look): void {
    this.confirmed.set(id, look)
  }

  /** Every guest was asked; those that answered were confirmed one by one. */
  confirmPass(look: Look, live: ReadonlySet<EnvironmentId>): void {
    this.passed = look
    for (const looks of [this.confirmed, this.stored]) keepOnly(looks, (id) => live.has(id))
  }

  /** When the daemon last looked at all of them, on the host's clock and never ahead of it; 0 before it first did. */
  get lastPassAt(): number {
    return this.passed === undefined ? 0 : this.told(this.passed)
  }

  of(stored: StoredEnvironment): Environment {
    return { ...toWireEnvironment(stored), observedAt: this.observedAt(stored) }
  }

  /** On the host's clock as it is now, and never ahead of it. */
  observedAt(environment: StoredEnvironment): number {
    return this.told(this.lastLook(environment))
  }

  /** The newest evidence of the state. */
  lastLook(environment: StoredEnvironment): Look {
    const { id, observed } = environment
    const confirmed = this.confirmed.get(id) ?? (WITHOUT_GUEST.includes(observed.kind) ? this.passed : undefined)
    const stored = this.storedLook(environment)
    return confirmed !== undefined && confirmed.real >= stored.real ? confirmed : stored
  }

  /** Real milliseconds since the newest evidence. */
  ageMs(environment: StoredEnvironment): number {
    return this.clock.monotonicMs() - this.lastLook(environment).real
  }

  private storedLook({ id, observedAt: at }: StoredEnvironment): Look {
    const known = this.stored.get(id)
    if (known?.at === at) return known
    const now = this.now()
    const ageMs = at > now.at + TOLERANCE_MS ? UNKNOWN_AGE_MS : Math.max(0, now.at - at)
    const look = { at, real: now.real - ageMs }
    this.stored.set(id, look)
    return look
  }

  /** What the host's clock says of it now: what it said then, unless it has been set back since. */
  private told({ at, real }: Look): number {
    const now = this.now()
    const isSetBack = at > now.at - (now.real - real) + TOLERANCE_MS
    return Math.max(0, isSetBack ? Math.floor(now.at - (now.real - real)) : Math.min(at, now.at))
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
