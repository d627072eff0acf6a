import { CLOCK_TOLERANCE_MS } from '../../../src-shared/model/backup.ts'
import type { RecoveryPoint } from '../../../src-shared/model/recovery-point.ts'

/** What speaks against a point, in a phrase each; empty where nothing does. `now` is on the host's clock. */
export function doubtsOf(point: RecoveryPoint, now: number): string[] {
  const { consistency, hasPassedDrill, unreadableCount, takenAt, forgottenAt } = point
  return [
    ...(forgottenAt === null ? [] : ['it is no longer in the repository']),
    ...(hasPassedDrill === false ? ['it did not pass its drill'] : []),
    ...(consistency === 'neither' ? ['its file system was damaged'] : []),
    ...(unreadableCount > 0 ? ['it is incomplete'] : []),
    ...(takenAt > now + CLOCK_TOLERANCE_MS ? ['its time is ahead of the host’s clock'] : []),
  ]
}

/** The newest that nothing speaks against; else the newest. */
export function newestGood(points: readonly RecoveryPoint[], now: number): RecoveryPoint | undefined {
  return points.find((point) => doubtsOf(point, now).length === 0) ?? points[0]
}
