import { CLOCK_TOLERANCE_MS } from './backup.ts'
import type { RecoveryPoint } from './recovery-point.ts'

const MIB = 1024 * 1024

type PointFacts = Pick<
  RecoveryPoint,
  'bytes' | 'homeMiB' | 'consistency' | 'hasPassedDrill' | 'unreadableCount' | 'takenAt' | 'forgottenAt'
>

/** What speaks against a point whatever the time is, in a phrase each; empty where nothing does. */
export function flawsOfPoint(point: PointFacts): string[] {
  const { consistency, hasPassedDrill, unreadableCount, forgottenAt, bytes, homeMiB } = point
  return [
    ...(forgottenAt === null ? [] : ['it is no longer in the repository']),
    ...(hasPassedDrill === false ? ['it did not pass its drill'] : []),
    ...(consistency === 'neither' ? ['its file system was damaged'] : []),
    ...((unreadableCount ?? 0) > 0 ? ['it is incomplete'] : []),
    // A file with holes may be larger than its whole home, and is restored without them.
    ...(bytes >= homeMiB * MIB ? ['what it holds, its holes filled, is more than its home takes'] : []),
  ]
}

/** What speaks against a point now, in a phrase each; empty where nothing does. `now` is on the host's clock. */
export function doubtsOfPoint(point: PointFacts, now: number): string[] {
  const isAhead = point.takenAt > now + CLOCK_TOLERANCE_MS
  return [...flawsOfPoint(point), ...(isAhead ? ['its time is ahead of the host’s clock'] : [])]
}

/** A point that nothing speaks against: `latest` means the newest of them. */
export function isGoodPoint(point: PointFacts, now: number): boolean {
  return doubtsOfPoint(point, now).length === 0
}
