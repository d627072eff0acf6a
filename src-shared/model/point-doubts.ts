import { CLOCK_TOLERANCE_MS } from './backup.ts'
import type { RecoveryPoint } from './recovery-point.ts'

/** What speaks against a point, in a phrase each; empty where nothing does. `now` is on the host's clock. */
export function doubtsOfPoint(point: RecoveryPoint, now: number): string[] {
  const { consistency, hasPassedDrill, unreadableCount, takenAt, forgottenAt } = point
  return [
    ...(forgottenAt === null ? [] : ['it is no longer in the repository']),
    ...(hasPassedDrill === false ? ['it did not pass its drill'] : []),
    ...(consistency === 'neither' ? ['its file system was damaged'] : []),
    ...(unreadableCount > 0 ? ['it is incomplete'] : []),
    ...(takenAt > now + CLOCK_TOLERANCE_MS ? ['its time is ahead of the host’s clock'] : []),
  ]
}

/** A point that nothing speaks against: `latest` means the newest of them. */
export function isGoodPoint(point: RecoveryPoint, now: number): boolean {
  return doubtsOfPoint(point, now).length === 0
}
