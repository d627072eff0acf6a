import { isGoodPoint } from '../../../src-shared/model/point-doubts.ts'
import type { RecoveryPoint } from '../../../src-shared/model/recovery-point.ts'

/** The newest that nothing speaks against; else the newest. `now` is on the host's clock. */
export function newestGood(points: readonly RecoveryPoint[], now: number): RecoveryPoint | undefined {
  return points.find((point) => isGoodPoint(point, now)) ?? points[0]
}
