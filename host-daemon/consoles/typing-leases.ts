import type { Clock } from '../../src-shared/lib/clock.ts'
import type { TypingLease } from '../../src-shared/model/console.ts'
import type { BootId, EnvironmentId, RequestId } from '../../src-shared/model/ids.ts'
import type { Actor } from '../../src-shared/model/operation.ts'

/** A viewer's place in the lease of its boot. */
export interface Typist {
  readonly bootId: BootId
  readonly environmentId: EnvironmentId
  readonly actor: Actor
  readonly requestId: RequestId
  /** The lease of its boot has changed hands. */
  onLeaseChanged(lease: TypingLease): void
}

/** What is recorded of a keyboard that changed hands. */
export interface TypingEvent {
  readonly kind: 'claimed' | 'taken_over' | 'released'
  readonly bootId: BootId
  readonly environmentId: EnvironmentId
  readonly actor: Actor
  readonly requestId: RequestId
  /** From whom it was taken over; else null. */
  readonly from: Actor | null
}

export type ClaimOutcome =
  { readonly kind: 'mine' } | { readonly kind: 'held'; readonly by: Actor; readonly since: number }

interface Held {
  readonly typist: Typist
  readonly since: number
}

/** Who may type into which boot: one at a time, and every change is told to all who watch, and recorded. */
export class TypingLeases {
  private readonly clock: Clock
  private readonly record: (event: TypingEvent) => void
  private readonly held = new Map<BootId, Held>()
  private readonly watchers = new Map<BootId, Set<Typist>>()

  constructor(clock: Clock, record: (event: TypingEvent) => void) {
    this.clock = clock
    this.record = record
  }

  join(typist: Typist): void {
    const others = this.watchers.get(typist.bootId)
    if (others === undefined) this.watchers.set(typist.bootId, new Set([typist]))
    else others.add(typist)
  }

  /** Gives the keyboard back, if it was held, and forgets the typist. */
  leave(typist: Typist): void {
    const others = this.watchers.get(typist.bootId)
    others?.delete(typist)
    if (others?.size === 0) this.watchers.delete(typist.bootId)
    this.release(typist)
  }

  /** The keyboard of somebody else is given only to who says so. */
  claim(typist: Typist, { takeOver }: { readonly takeOver: boolean }): ClaimOutcome {
    const held = this.held.get(typist.bootId)
    if (held?.typist === typist) return { kind: 'mine' }
    if (held !== undefined && !takeOver) return { kind: 'held', by: held.typist.actor, since: held.since }
    this.held.set(typist.bootId, { typist, since: this.clock.now() })
    this.note(typist, held === undefined ? 'claimed' : 'taken_over', held?.typist.actor)
    return { kind: 'mine' }
  }

  release(typist: Typist): void {
    if (!this.isHeldBy(typist)) return
    this.held.delete(typist.bootId)
    this.note(typist, 'released')
  }

  isHeldBy(typist: Typist): boolean {
    return this.held.get(typist.bootId)?.typist === typist
  }

  /** The lease as this viewer sees it. */
  leaseFor(typist: Typist): TypingLease {
    const held = this.held.get(typist.bootId)
    if (held === undefined) return { holder: null, since: null, isMine: false }
    return { holder: held.typist.actor, since: held.since, isMine: held.typist === typist }
  }

  private note(typist: Typist, kind: TypingEvent['kind'], from: Actor | null = null): void {
    const { bootId, environmentId, actor, requestId } = typist
    this.record({ kind, bootId, environmentId, actor, requestId, from })
    for (const watcher of this.watchers.get(bootId) ?? []) watcher.onLeaseChanged(this.leaseFor(watcher))
  }
}
