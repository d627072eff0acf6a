import type { Clock } from '../../src-shared/lib/clock.ts'
import { CLOCK_TOLERANCE_MS, spanOf } from '../../src-shared/model/backup.ts'
import type { HomeProtection } from '../environments/home-protection.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { StoredPoint } from '../store/points-table.ts'
import type { Store } from '../store/store.ts'
import type { Logger } from '../system/logger.ts'

export interface RecordedProtectionDeps {
  readonly store: Store
  readonly clock: Clock
  readonly logger: Logger
}

/** Recovery points by the daemon's own record. */
export class RecordedProtection implements HomeProtection {
  private readonly deps: RecordedProtectionDeps

  constructor(deps: RecordedProtectionDeps) {
    this.deps = deps
  }

  tellOf({ id, home }: Pick<StoredEnvironment, 'id' | 'home'>): string {
    const { store, clock, logger } = this.deps
    try {
      const newest = store.points.newest(id).get(id)
      if (newest === undefined)
        return home.madeAt === null
          ? 'There is no recovery point.'
          : 'There is no recovery point: everything in it is lost.'
      if (newest.point === null) return 'The record of its newest recovery point cannot be read; do not rely on it.'
      return [ageOf(newest.point, clock.now()), ...doubtsOf(store.backupStates.of(id))].join(' ')
    } catch (error) {
      logger.error({ err: error, environmentId: id }, 'The record of recovery points could not be read')
      return 'Whether there is a recovery point could not be read; do not rely on one.'
    }
  }
}

function ageOf({ id, takenAt, unreadableCount }: StoredPoint, now: number): string {
  const ageMs = now - takenAt
  const isAhead = ageMs < -CLOCK_TOLERANCE_MS
  const age = isAhead ? `dated ${spanOf(-ageMs)} ahead of the host's clock` : `${spanOf(Math.max(0, ageMs))} old`
  const lacks = unreadableCount === 0 ? '' : ` It lacks ${unreadableCount} files that could not be read.`
  const since = isAhead ? '' : ' What was changed since is lost.'
  return `Its newest recovery point is ${age} (${id.slice(0, 8)}); points are kept in the repository.${since}${lacks}`
}

function doubtsOf({ problem, check }: ReturnType<Store['backupStates']['of']>): string[] {
  return [
    ...(problem === null ? [] : [`But its repository could not be used when it was last tried: ${problem}`]),
    ...(check?.isSound === false ? ['But damage was found in its repository.'] : []),
  ]
}
