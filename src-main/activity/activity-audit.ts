import { PilothouseError } from '../../src-shared/error.ts'
import type { ActivityHead, ActivityVerdict } from '../../src-shared/model/activity.ts'
import type { HostId } from '../../src-shared/model/ids.ts'

/** Holds hosts' activity chains against the ends that this console has seen of them. */
export class ActivityAudit {
  /** Newest first. */
  heads(_hostId: HostId): { head: ActivityHead; seenAt: number }[] {
    return []
  }

  /** Reads the whole chain. */
  verify(_hostId: HostId, _signal: AbortSignal | undefined): Promise<ActivityVerdict> {
    return Promise.reject(new PilothouseError('internal', 'Not built yet.'))
  }
}
