import type { Clock } from '../../src-shared/lib/clock.ts'
import type { Disposable } from '../../src-shared/lib/disposable.ts'
import type { ActivityHead } from '../../src-shared/model/activity.ts'
import type { HostId } from '../../src-shared/model/ids.ts'
import type { HostStore, StoredHost } from '../store/host-store.ts'
import type { PinnedHead, PinnedHeads, PinOwner } from '../store/pinned-heads.ts'
import { judgeToldHead } from './told-head.ts'

/** Heads of one host are written at most this often, milliseconds; a crash loses those of this long. */
export const PIN_EVERY_MS = 5_000
/** Contradictions of one host that wait to be written; the first ones stay. */
const WAITING_MOST = 64

interface Told {
  owner: PinOwner
  last: ActivityHead | null
  /** The newest, and before it what must not be lost for it. */
  waiting: PinnedHead[]
  isScheduled: boolean
}

export interface HeadRecorderDeps {
  readonly clock: Clock
  readonly hosts: HostStore
  readonly pins: PinnedHeads
}

/** The later of two ends: a chain only grows. */
function laterOf(a: ActivityHead | null, b: ActivityHead | null): ActivityHead | null {
  return a === null || (b !== null && b.seq > a.seq) ? b : a
}

/** Pins what the hosts tell of the ends of their activity chains. */
export class HeadRecorder implements Disposable {
  private readonly deps: HeadRecorderDeps
  private readonly told = new Map<HostId, Told>()
  private readonly closing = new AbortController()

  constructor(deps: HeadRecorderDeps) {
    this.deps = deps
  }

  /**
   * A connection to a host is about to be opened: whatever it tells over it comes after what is pinned now, by this
   * process or another one of this console.
   */
  expect({ id, pinnedKey }: Pick<StoredHost, 'id' | 'pinnedKey'>): void {
    const told = this.toldOf(id)
    told.owner = { id, fingerprint: pinnedKey?.fingerprint ?? told.owner.fingerprint }
    told.last = laterOf(told.last, this.deps.pins.list(told.owner)[0]?.head ?? null)
  }

  /** What a host tells, in the order in which it is told. Written a little later. */
  note(hostId: HostId, head: ActivityHead): void {
    if (this.closing.signal.aborted) return
    const told = this.toldOf(hostId)
    const pinned = judgeToldHead(head, told.last, this.deps.clock.now())
    if (pinned === null) return
    // The newest one stands for those before it; a contradiction needs the one that it contradicts.
    if (!pinned.isEvidence && told.waiting.at(-1)?.isEvidence === false) told.waiting.pop()
    if (told.waiting.length < WAITING_MOST) told.waiting.push(pinned)
    told.last = head
    this.schedule(hostId, told)
  }

  /** What is not written yet, newest first. */
  waitingOf(hostId: HostId): PinnedHead[] {
    return (this.told.get(hostId)?.waiting ?? []).toReversed()
  }

  /** Writes what waits, if it can be. */
  dispose(): void {
    if (this.closing.signal.aborted) return
    this.closing.abort()
    for (const hostId of this.told.keys()) this.tryFlush(hostId)
  }

  private toldOf(hostId: HostId): Told {
    const known = this.told.get(hostId)
    if (known !== undefined) return known
    const told: Told = { owner: { id: hostId, fingerprint: null }, last: null, waiting: [], isScheduled: false }
    this.told.set(hostId, told)
    return told
  }

  private schedule(hostId: HostId, told: Told): void {
    if (told.isScheduled) return
    told.isScheduled = true
    const write = (): void => {
      told.isScheduled = false
      // What could not be written waits for the next head.
      this.tryFlush(hostId)
    }
    this.deps.clock.sleep(PIN_EVERY_MS, this.closing.signal).then(write, () => undefined)
  }

  private tryFlush(hostId: HostId): void {
    const { hosts, pins } = this.deps
    const told = this.toldOf(hostId)
    if (told.waiting.length === 0) return
    try {
      // As it is known now; of a host that was forgotten a moment ago, as it was known.
      const fingerprint = hosts.get(hostId)?.pinnedKey?.fingerprint ?? told.owner.fingerprint
      pins.add({ id: hostId, fingerprint }, told.waiting)
      told.waiting = []
    } catch {
      // A full disk or a busy database: what is not pinned is not vouched for, and nothing else depends on it.
    }
  }
}
