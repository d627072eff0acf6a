import { PilothouseError } from '../../src-shared/error.ts'
import type { RandomSource } from '../../src-shared/lib/clock.ts'
import type { ActivityHead, ActivityVerdict } from '../../src-shared/model/activity.ts'
import type { ClaimedActor, HostId } from '../../src-shared/model/ids.ts'
import { newRequestId, type DaemonClient } from '../fleet/daemon-link.ts'
import type { HostStore } from '../store/host-store.ts'
import type { PinnedHead, PinnedHeads } from '../store/pinned-heads.ts'
import type { HeadRecorder } from './head-recorder.ts'
import { pagesOf, verifyChain } from './verify-chain.ts'

export interface ActivityAuditDeps {
  readonly hosts: HostStore
  readonly pins: PinnedHeads
  readonly recorder: HeadRecorder
  readonly random: RandomSource
  readonly claimedActor: ClaimedActor
  /** Throws where the host is not connected. */
  readonly client: (hostId: HostId) => DaemonClient
}

/** Holds hosts' activity chains against the ends that this console has seen of them. */
export class ActivityAudit {
  private readonly deps: ActivityAuditDeps

  constructor(deps: ActivityAuditDeps) {
    this.deps = deps
  }

  /** Newest first. Throws `not_found`. */
  heads(hostId: HostId): { head: ActivityHead; seenAt: number }[] {
    return this.pinned(hostId).map(({ head, seenAt }) => ({ head, seenAt }))
  }

  /** Reads the whole chain. Rejects with what the reading fails with; a cut is never a verdict. */
  verify(hostId: HostId, signal: AbortSignal | undefined): Promise<ActivityVerdict> {
    const { client, random, claimedActor } = this.deps
    const context = { requestId: newRequestId(random), claimedActor }
    const options = signal === undefined ? { context } : { context, signal }
    const read = pagesOf(
      () => client(hostId),
      () => options,
    )
    return verifyChain(read, this.pinned(hostId))
  }

  private pinned(hostId: HostId): PinnedHead[] {
    const { hosts, pins, recorder } = this.deps
    const host = hosts.get(hostId)
    if (host === undefined) throw new PilothouseError('not_found', `This console knows no host ${hostId}.`)
    const kept = pins.list({ id: hostId, fingerprint: host.pinnedKey?.fingerprint ?? null })
    return [...recorder.waitingOf(hostId), ...kept]
  }
}
