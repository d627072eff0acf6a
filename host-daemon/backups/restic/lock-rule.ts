/** A lock as its owner wrote it. restic writes it anew, with a new id and time, every 5 minutes while it works. */
export interface RepositoryLock {
  readonly id: string
  readonly refreshedAtMs: number
  readonly isExclusive: boolean
  /** Of the machine, not of an environment. */
  readonly hostName: string
  readonly pid: number
}

/** What is known here and now. */
export interface LockWitness {
  readonly nowMs: number
  /** This machine's, as restic would write it. */
  readonly hostName: string
  /** Age of this machine's process of that pid; undefined when there is none. */
  readonly processAgeMs: number | undefined
  /** Whether that process is one of restic. */
  readonly isRestic: boolean
}

export type LockVerdict = {
  readonly isDead: boolean
  /** Whether `restic unlock` itself would remove it: it does not know of pids that live on as another's. */
  readonly isRemovable: boolean
  readonly because: 'owner_gone' | 'pid_reused' | 'not_refreshed' | 'owner_lives' | 'may_live_elsewhere'
}

/** Six refreshes missed; restic's own measure. */
export const STALE_AFTER_MS = 30 * 60_000
/** Between the time a process began and the time it wrote a lock, by two clocks. */
const CLOCK_TOLERANCE_MS = 2000

/**
 * Whether a lock's owner is positively gone: on this machine, its process is; on another, it has not refreshed the lock
 * for half an hour. A living owner is never dead, however old its lock. A restic of that pid counts as the owner even where
 * it seems younger than its lock: the clock may have been set forward since it wrote it. Two machines of one name cannot be
 * told apart.
 */
export function judgeLock(lock: RepositoryLock, witness: LockWitness): LockVerdict {
  const ageMs = witness.nowMs - lock.refreshedAtMs
  const isStale = ageMs > STALE_AFTER_MS
  if (lock.hostName !== witness.hostName)
    return { isDead: isStale, isRemovable: isStale, because: isStale ? 'not_refreshed' : 'may_live_elsewhere' }
  const { processAgeMs, isRestic } = witness
  if (processAgeMs === undefined) return { isDead: true, isRemovable: true, because: 'owner_gone' }
  const isYounger = processAgeMs < ageMs - CLOCK_TOLERANCE_MS
  if (isYounger && !isRestic) return { isDead: true, isRemovable: isStale, because: 'pid_reused' }
  return { isDead: false, isRemovable: isStale, because: 'owner_lives' }
}
