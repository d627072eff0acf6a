import {
  activityEntrySchema,
  CHAIN_START,
  type ActivityEntry,
  type ActivityHead,
  type ActivityVerdict,
} from '../../src-shared/model/activity.ts'
import type { HostId } from '../../src-shared/model/ids.ts'
import type { StepEntry } from '../../src-shared/model/operation.ts'

/** What `activity.list` may be asked. */
interface ActivityQuery {
  readonly environment?: string | undefined
  readonly operation?: string | undefined
  readonly request?: string | undefined
  readonly user?: string | undefined
  readonly action?: string | undefined
  readonly outcome?: string | undefined
  readonly after?: number | undefined
  readonly before?: number | undefined
  readonly order: 'newest_first' | 'oldest_first'
  readonly limit: number
}

/** Checked by the schema, so that a test need not brand its ids. */
type Loose = 'environmentId' | 'environmentName' | 'requestId' | 'operationId' | 'actor'

/** An entry as a test writes it; the rest is made up. */
export type FakeEntry = Partial<Record<Loose, unknown>> & Partial<Omit<ActivityEntry, 'seq' | 'hash' | Loose>>

const SAMPLE_ACTOR = { user: 'ada', uid: 2001, role: 'admin', claimedActor: 'op@desk-1' }

/** Hosts' activity in memory, with hashes that chain nothing. */
export class FakeActivity {
  /** Steps by operation, as `operations.steps` answers them. */
  readonly steps = new Map<string, StepEntry[]>()
  /** What the next verifications say. */
  readonly verdicts = new Map<HostId, Partial<ActivityVerdict>>()
  private readonly entries = new Map<HostId, ActivityEntry[]>()

  append(hostId: HostId, entry: FakeEntry = {}): ActivityHead {
    const kept = this.entries.get(hostId) ?? []
    const seq = kept.length + 1
    kept.push(
      activityEntrySchema.parse({
        at: Date.now(),
        actor: SAMPLE_ACTOR,
        requestId: `req-${seq.toString(16).padStart(16, '0')}`,
        operationId: null,
        environmentId: null,
        environmentName: null,
        action: 'start',
        outcome: 'succeeded',
        detail: {},
        ...entry,
        seq,
        hash: seq.toString(16).padStart(64, '0'),
      }),
    )
    this.entries.set(hostId, kept)
    return this.head(hostId)
  }

  head(hostId: HostId): ActivityHead {
    const last = this.entries.get(hostId)?.at(-1)
    return last === undefined ? CHAIN_START : { seq: last.seq, hash: last.hash }
  }

  list(hostId: HostId, query: ActivityQuery): { entries: ActivityEntry[]; head: ActivityHead } {
    const found = (this.entries.get(hostId) ?? []).filter((entry) => isAsked(entry, query))
    if (query.order === 'newest_first') found.reverse()
    return { entries: found.slice(0, query.limit), head: this.head(hostId) }
  }

  verdict(hostId: HostId): ActivityVerdict {
    const head = this.head(hostId)
    const says = 'Every entry up to the newest head that this console has pinned is what it was.'
    const whole = { kind: 'intact' as const, entryCount: head.seq, head, anchor: head, says, brokenAt: null }
    return { ...whole, ...this.verdicts.get(hostId) }
  }
}

function isAsked(entry: ActivityEntry, query: ActivityQuery): boolean {
  const { environment, operation, request, user, action, outcome, after = 0, before = Infinity } = query
  return (
    entry.seq > after &&
    entry.seq < before &&
    (environment === undefined || entry.environmentId === environment || entry.environmentName === environment) &&
    (operation === undefined || entry.operationId === operation) &&
    (request === undefined || entry.requestId === request) &&
    (user === undefined || entry.actor?.user === user) &&
    (action === undefined || entry.action === action || entry.action.startsWith(`${action}.`)) &&
    (outcome === undefined || entry.outcome === outcome)
  )
}
