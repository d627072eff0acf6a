import type { Clock } from '../../src-shared/lib/clock.ts'
import { spanOf } from '../../src-shared/model/backup.ts'
import { doubtsOfPoint } from '../../src-shared/model/point-doubts.ts'
import type { HomeProtection } from '../environments/home-protection.ts'
import type { StoredEnvironment } from '../store/environment-row.ts'
import type { StoredPoint } from '../store/points-table.ts'
import type { Store } from '../store/store.ts'
import type { Logger } from '../system/logger.ts'
import { findGoodPoint } from './resolve-point.ts'

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
    const { store, logger } = this.deps
    try {
      const newest = store.points.newest(id).get(id)
      if (newest === undefined)
        return home.madeAt === null
          ? 'There is no recovery point.'
          : 'There is no recovery point: everything in it is lost.'
      if (newest.point === null) return 'The record of its newest recovery point cannot be read; do not rely on it.'
      const points = this.pointsToTell(newest.point)
      return [...points, ...doubtsOf(store.backupStates.of(id))].join(' ')
    } catch (error) {
      logger.error({ err: error, environmentId: id }, 'The record of recovery points could not be read')
      return 'Whether there is a recovery point could not be read; do not rely on one.'
    }
  }

  private pointsToTell(newest: StoredPoint): string[] {
    const now = this.deps.clock.now()
    const good = findGoodPoint(this.deps, newest.environmentId)
    return [sentenceOf(good, newest, now), ...flawSentences(newest, now)]
  }
}

const KEPT = 'points are kept in the repository.'

/** What is lost is told of the newest point that is good: nobody is to count on another one. */
function sentenceOf(good: StoredPoint | undefined, newest: StoredPoint, now: number): string {
  if (good === undefined) return `None of its recovery points is good; ${KEPT} Count on losing everything in it.`
  const which = good.id === newest.id ? 'newest recovery point' : 'newest good recovery point'
  const age = spanOf(Math.max(0, now - good.takenAt))
  return `Its ${which} is ${age} old (${good.id.slice(0, 8)}); ${KEPT} What was changed since is lost.`
}

function flawSentences(newest: StoredPoint, now: number): string[] {
  const doubts = doubtsOfPoint(newest, now)
  const lacks =
    (newest.unreadableCount ?? 0) === 0 ? '' : ` It lacks ${newest.unreadableCount} files that could not be read.`
  return doubts.length === 0
    ? []
    : [`Its newest one, ${newest.id.slice(0, 8)}, is not good: ${doubts.join('; ')}.${lacks}`]
}

function doubtsOf({ problem, check }: ReturnType<Store['backupStates']['of']>): string[] {
  return [
    ...(problem === null ? [] : [`But its repository could not be used when it was last tried: ${problem}`]),
    ...(check?.isSound === false ? ['But damage was found in its repository.'] : []),
  ]
}
