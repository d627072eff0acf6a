import { freshnessOf, thresholdMsOf, type BackupStatus, type NewestPoint } from '../../src-shared/model/backup.ts'
import { homeIdSchema, type EnvironmentId } from '../../src-shared/model/ids.ts'
import { flawsOfPoint } from '../../src-shared/model/point-doubts.ts'
import type { KeptHome } from '../store/kept-homes-table.ts'
import type { StoredPoint } from '../store/points-table.ts'
import { policyOf } from './policy.ts'
import { ProtectionRecord, type ProtectionFacts } from './protection-record.ts'
import type { RecoveryToolkit } from './recovery-toolkit.ts'

type Undo = BackupStatus['undo']

/**
 * How well environments are protected, from the record alone; no repository is asked. A record that cannot be read makes
 * its own row `unavailable`, and touches no other.
 */
export class BackupStatuses {
  private readonly recovery: RecoveryToolkit
  private readonly record: ProtectionRecord
  /** A location is put together from ids alone, and costs more than the rest of a row. */
  private readonly locations = new Map<EnvironmentId, string>()

  constructor(recovery: RecoveryToolkit) {
    this.recovery = recovery
    this.record = new ProtectionRecord(recovery.store)
  }

  /** Of every environment that is not destroyed, oldest first. */
  all(): BackupStatus[] {
    const statuses = Array.from(this.record.all(), (facts) => this.toStatus(facts))
    if (this.locations.size > 2 * statuses.length) this.locations.clear()
    return statuses
  }

  /** Undefined once it is destroyed. */
  of(id: EnvironmentId): BackupStatus | undefined {
    const facts = this.record.of(id)
    return facts === undefined ? undefined : this.toStatus(facts)
  }

  private toStatus(facts: ProtectionFacts): BackupStatus {
    const { environment, state, newest } = facts
    const { id, name, owner, hasHome } = environment
    const policy = policyOf(this.recovery, state)
    const observedAt = this.recovery.clock.now()
    const undo = undoOf(facts.kept)
    const judged = {
      isProvisioned: hasHome,
      latestTakenAt: newest?.point?.takenAt ?? null,
      problem: problemOf(facts, undo),
      thresholdMs: thresholdMsOf(policy),
    }
    const lastVerifiedAt = newest?.lastVerifiedAt ?? null
    return {
      environmentId: id,
      environmentName: name,
      owner,
      freshness: freshnessOf(judged, observedAt),
      policy,
      hasOwnPolicy: state.policy !== null,
      nextAt: policy.intervalMinutes === null ? null : state.nextAt,
      nextDrillAt: policy.drillIntervalHours === null ? null : state.nextDrillAt,
      latest: newestOf(newest?.point ?? null),
      pointCount: newest?.pointCount ?? 0,
      repository: this.locationOf(id),
      lastAttempt: state.attempt,
      lastCheck: state.check,
      lastVerifiedAt: isTime(lastVerifiedAt) ? lastVerifiedAt : null,
      lastDrill: state.drill,
      undo,
      keptForReview: facts.forReview.filter(isSound).map(toReview),
      observedAt,
    }
  }

  private locationOf(id: EnvironmentId): string {
    const location = this.locations.get(id) ?? this.recovery.repositories.of(id).location
    this.locations.set(id, location)
    return location
  }
}

function newestOf(point: StoredPoint | null): NewestPoint | null {
  if (point === null) return null
  const { id, takenAt, hostName, bytes, entries } = point
  return { id, takenAt, hostName, bytes, entries }
}

/** Whatever keeps its points from being relied on: what cannot be verified is never fine. */
function problemOf({ state, newest, kept, malformation }: ProtectionFacts, undo: Undo): string | null {
  const { check } = state
  const isDamaged = check?.isSound === false
  const isNewestMalformed = newest?.point === null
  const isUndoMalformed = kept !== undefined && undo === null
  return (
    malformation ??
    (isUndoMalformed ? 'The record of its home for undo is malformed.' : null) ??
    state.malformation ??
    (isNewestMalformed ? 'The record of its newest recovery point is malformed.' : null) ??
    state.problem ??
    (isDamaged ? `Damage was found in its repository. ${check.detail}` : null) ??
    flawOf(newest?.point ?? null)
  )
}

/** `latest` passes such a point over, so that its age says nothing of what can be had back. */
function flawOf(newest: StoredPoint | null): string | null {
  const flaws = newest === null ? [] : flawsOfPoint(newest)
  if (newest === null || flaws.length === 0) return null
  return `Its newest recovery point, ${newest.id.slice(0, 8)}, is not to be relied on: ${flaws.join('; ')}.`
}

/** Null also where the row is malformed. */
function undoOf(kept: KeptHome | undefined): Undo {
  if (kept === undefined) return null
  const { homeId, until, bytes, keptAt: restoredAt } = kept
  return isSound(kept) && isTime(until) ? { homeId, until, bytes, restoredAt } : null
}

/** Nobody can decide about what a malformed row names. */
function isSound({ homeId, keptAt, bytes }: KeptHome): boolean {
  return homeIdSchema.safeParse(homeId).success && isTime(keptAt) && isTime(bytes ?? 0)
}

function toReview({ homeId, keptAt, bytes }: KeptHome): BackupStatus['keptForReview'][number] {
  return { homeId, keptAt, bytes }
}

/** As the contract's timestamps and sizes are. */
function isTime(value: number | null): value is number {
  return Number.isSafeInteger(value) && (value ?? -1) >= 0
}
