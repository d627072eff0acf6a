import {
  freshnessOf,
  thresholdMsOf,
  type BackupPolicy,
  type BackupStatus,
  type Freshness,
} from '../../src-shared/model/backup.ts'
import { recoveryPointSchema, type RecoveryPoint } from '../../src-shared/model/recovery-point.ts'
import { homeIdSchema, type EnvironmentId } from '../../src-shared/model/ids.ts'
import type { BackupState } from '../store/backup-states-table.ts'
import type { KeptHome } from '../store/kept-homes-table.ts'
import type { NewestPoint, StoredPoint } from '../store/points-table.ts'
import { listProtected, type ProtectedEnvironment } from '../store/protected-environments.ts'
import { policyOf } from './policy.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'

type Subject = Pick<ProtectedEnvironment, 'id' | 'name' | 'owner' | 'hasHome'>

interface Facts {
  readonly state: BackupState
  readonly newest: NewestPoint | undefined
  readonly kept: KeptHome | undefined
  /** Of the environment's own row. */
  readonly malformation: string | null
}

/**
 * How well environments are protected, from the record alone: the same few queries however many there are, and no
 * repository is asked. A record that cannot be read makes its own row `unavailable`, and touches no other.
 */
export class BackupStatuses {
  private readonly recovery: RecoveryToolkit
  /** A location is put together from ids alone, and costs more than the rest of a row. */
  private readonly locations = new Map<EnvironmentId, string>()
  /** Of points that are read as the same ones again and again. */
  private readonly wired = new WeakMap<StoredPoint, RecoveryPoint>()

  constructor(recovery: RecoveryToolkit) {
    this.recovery = recovery
  }

  /** Of every environment that is not destroyed, oldest first. */
  all(): BackupStatus[] {
    const { store } = this.recovery
    const { environments, malformed } = listProtected(store.db)
    const [states, newest] = [store.backupStates.all(), store.points.newest()]
    const kept = new Map(store.keptHomes.allForUndo().map((home) => [home.environmentId, home]))
    const factsOf = (id: EnvironmentId, malformation: string | null): Facts => {
      const state = states.get(id) ?? store.backupStates.none(id)
      return { state, newest: newest.get(id), kept: kept.get(id), malformation }
    }
    return [
      ...environments.map((environment) => this.toStatus(environment, factsOf(environment.id, null))),
      ...malformed.flatMap((id) => this.malformed(id, (malformation) => factsOf(id, malformation))),
    ]
  }

  /** Undefined once it is destroyed. */
  of(id: EnvironmentId): BackupStatus | undefined {
    const { store } = this.recovery
    const { environments, malformed } = listProtected(store.db, id)
    const factsOf = (malformation: string | null): Facts => ({
      state: store.backupStates.of(id),
      newest: store.points.newest(id).get(id),
      kept: store.keptHomes.undoOf(id),
      malformation,
    })
    const [environment] = environments
    if (environment !== undefined) return this.toStatus(environment, factsOf(null))
    return malformed.flatMap((each) => this.malformed(each, factsOf))[0]
  }

  /** Goes by the names that stand in for what cannot be read. */
  private malformed(id: EnvironmentId, factsOf: (malformation: string) => Facts): BackupStatus[] {
    const environment = this.recovery.store.environments.find(id)
    if (environment === undefined) return []
    const { name, owner, quarantine } = environment
    const facts = factsOf(quarantine ?? 'The record of its home is malformed.')
    return [this.toStatus({ id, name, owner, hasHome: true }, facts)]
  }

  private toStatus({ id, name, owner, hasHome }: Subject, facts: Facts): BackupStatus {
    const { state, newest, kept } = facts
    const lastVerifiedAt = newest?.lastVerifiedAt ?? null
    const policy = policyOf(this.recovery, state)
    const observedAt = this.recovery.clock.now()
    const undo = undoOf(kept)
    const isUndoMalformed = kept !== undefined && undo === null
    const malformation =
      facts.malformation ?? (isUndoMalformed ? 'The record of its home for undo is malformed.' : null)
    const freshness = judge({ isProvisioned: hasHome, policy, facts: { ...facts, malformation } }, observedAt)
    return {
      environmentId: id,
      environmentName: name,
      owner,
      freshness,
      policy,
      hasOwnPolicy: state.policy !== null,
      nextAt: policy.intervalMinutes === null ? null : state.nextAt,
      latest: this.wireOf(newest?.point ?? null),
      pointCount: newest?.pointCount ?? 0,
      repository: this.locationOf(id),
      lastAttempt: state.attempt,
      lastCheck: state.check,
      lastVerifiedAt: isTime(lastVerifiedAt) ? lastVerifiedAt : null,
      lastDrill: state.drill,
      undo,
      observedAt,
    }
  }

  private wireOf(point: StoredPoint | null): RecoveryPoint | null {
    if (point === null) return null
    const known = this.wired.get(point)
    if (known !== undefined) return known
    const wired = recoveryPointSchema.parse(point)
    this.wired.set(point, wired)
    return wired
  }

  private locationOf(id: EnvironmentId): string {
    const location = this.locations.get(id) ?? this.recovery.repositories.of(id).location
    this.locations.set(id, location)
    return location
  }
}

interface Judged {
  readonly isProvisioned: boolean
  readonly policy: BackupPolicy
  readonly facts: Facts
}

function judge({ isProvisioned, policy, facts }: Judged, now: number): Freshness {
  const latestTakenAt = facts.newest?.point?.takenAt ?? null
  return freshnessOf(
    { isProvisioned, latestTakenAt, problem: problemOf(facts), thresholdMs: thresholdMsOf(policy) },
    now,
  )
}

/** Whatever keeps its points from being relied on: what cannot be verified is never fine. */
function problemOf({ state, newest, malformation }: Facts): string | null {
  const { check } = state
  const isDamaged = check?.isSound === false
  const isNewestMalformed = newest?.point === null
  return (
    malformation ??
    state.malformation ??
    (isNewestMalformed ? 'The record of its newest recovery point is malformed.' : null) ??
    state.problem ??
    (isDamaged ? `The last check found damage in its repository. ${check.detail}` : null)
  )
}

/** Null also where the row is malformed. */
function undoOf(kept: KeptHome | undefined): BackupStatus['undo'] {
  if (kept === undefined) return null
  const { homeId, until, bytes, keptAt: restoredAt } = kept
  const times = [until, restoredAt, bytes ?? 0]
  const isSound = homeIdSchema.safeParse(homeId).success && times.every(isTime)
  return isSound && until !== null ? { homeId, until, bytes, restoredAt } : null
}

/** As the contract's timestamps and sizes are. */
function isTime(value: number | null): value is number {
  return Number.isSafeInteger(value) && (value ?? -1) >= 0
}
