import { backoffMs } from '../../src-shared/lib/backoff.ts'
import type { ConsoleTarget } from '../../src-shared/contract/console-stream.ts'
import type { FleetEvent, HostState } from '../../src-shared/contract/app.ts'
import { toPilothouseError } from '../../src-shared/contract/client.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Clock, RandomSource } from '../../src-shared/lib/clock.ts'
import type { Disposable } from '../../src-shared/lib/disposable.ts'
import type { MessageChannelLike } from '../../src-shared/lib/message-channel.ts'
import type { Host, HostConnection } from '../../src-shared/model/host.ts'
import type { ActivityHead } from '../../src-shared/model/activity.ts'
import type { ClaimedActor, HostId } from '../../src-shared/model/ids.ts'
import { presentedKeyOf } from '../ssh/connect.ts'
import type { StoredHost } from '../store/host-store.ts'
import type { StateCache } from '../store/state-cache.ts'
import { newRequestId, type ConnectStep, type DaemonClient, type DaemonLink } from './daemon-link.ts'
import { follow, probe } from './follow.ts'
import { HostBook } from './host-book.ts'
import { OffsetWatch } from './offset-watch.ts'

const BACKOFF = { firstMs: 500, capMs: 30_000 }
/** A connection that stood this long counts as a success; the next attempt is the first again. */
const STABLE_MS = 10_000

const RESTING: ReadonlySet<HostConnection['kind']> = new Set(['retrying', 'refused', 'awaiting_trust'])

export interface SessionDeps {
  readonly clock: Clock
  readonly random: RandomSource
  readonly claimedActor: ClaimedActor
  readonly cache: StateCache
  connect(host: StoredHost, options: { signal: AbortSignal; onStep: (step: ConnectStep) => void }): Promise<DaemonLink>
  emit(event: FleetEvent): void
  /** The end of the host's activity chain, at every word of it, in the order of its words. */
  noteHead?(hostId: HostId, head: ActivityHead): void
}

/** Connection to one host: connects, follows, comes back, and stops where coming back by itself would be wrong. */
export class HostSession implements Disposable {
  private readonly deps: SessionDeps
  private readonly book: HostBook
  private stored: StoredHost
  private connection: HostConnection
  private link: DaemonLink | undefined
  private running: AbortController | undefined
  private wakeUp: () => void = () => undefined
  private breakOff: (reason: PilothouseError) => void = () => undefined

  constructor(stored: StoredHost, deps: SessionDeps) {
    this.stored = stored
    this.deps = deps
    this.book = new HostBook(stored.id, deps.cache, deps.clock)
    this.connection = { kind: 'disconnected', since: deps.clock.now() }
  }

  host(): Host {
    const { id, name, target, pinnedKey } = this.stored
    return { id, name, target, pinnedKey, connection: this.connection }
  }

  state(): HostState {
    return this.book.state()
  }

  /** The client of the host's daemon now. Throws `host_unreachable`, or what stopped the connection. */
  client(): DaemonClient {
    if (this.link !== undefined) return this.link.client
    throw this.whyNot()
  }

  /** Throws as `client` does, and what the daemon refuses. */
  async openConsole(target: ConsoleTarget, signal: AbortSignal): Promise<MessageChannelLike> {
    if (this.link === undefined) throw this.whyNot()
    return this.link.openConsole(target, signal)
  }

  /** Tries at once; on a connection that stands, nothing happens. */
  connect(): void {
    if (this.running === undefined) this.start()
    else if (RESTING.has(this.connection.kind)) {
      // At once, so that the answer to whoever asked shows it.
      this.set({ kind: 'connecting', since: this.deps.clock.now(), attempt: 1, step: 'reaching' })
      this.wakeUp()
    }
  }

  disconnect(): void {
    this.running?.abort()
    this.running = undefined
    this.dropLink()
    this.set({ kind: 'disconnected', since: this.deps.clock.now() })
  }

  /** The machine slept or its network changed: what was waited for is tried at once, what stands is asked. */
  wake(): void {
    const { link, running } = this
    if (this.connection.kind === 'retrying') this.wakeUp()
    if (link === undefined || running === undefined) return
    probe(link, { context: this.context(), signal: running.signal }).catch((error: unknown) => {
      if (this.link === link) this.breakOff(toPilothouseError(error, ''))
    })
  }

  /** Goes on with a changed record of the host, such as a key that was pinned. */
  update(stored: StoredHost): void {
    this.stored = stored
    this.deps.emit({ type: 'host_changed', host: this.host() })
  }

  dispose(): void {
    this.running?.abort()
    this.running = undefined
    this.dropLink()
    this.book.dispose()
  }

  /** Ends for a host that has been forgotten: nothing of it is written any more. */
  discard(): void {
    this.book.discard()
    this.dispose()
  }

  private start(): void {
    const running = new AbortController()
    this.running = running
    this.run(running.signal).catch((error: unknown) => {
      // A defect, not a state of the network: it is shown instead of tried again.
      const failure = new PilothouseError('internal', 'The console failed while connecting.', {
        cause: error,
      }).toFailure()
      if (running.signal.aborted) return
      this.running = undefined
      this.set({ kind: 'refused', since: this.deps.clock.now(), failure, key: null })
    })
  }

  private async run(signal: AbortSignal): Promise<void> {
    for (let attempt = 1; ; attempt++) {
      const { reason, stoodMs } = await this.attempt(attempt, signal)
      if (signal.aborted) return
      if (stoodMs >= STABLE_MS) attempt = 1
      const hasWaited = await this.rest(reason, attempt, signal)
      if (this.running?.signal !== signal) return
      if (!hasWaited) attempt = 0
    }
  }

  private async attempt(attempt: number, signal: AbortSignal): Promise<{ reason: unknown; stoodMs: number }> {
    const { clock } = this.deps
    const since = clock.now()
    const onStep = (step: ConnectStep): void => {
      if (!signal.aborted) this.set({ kind: 'connecting', since, attempt, step })
    }
    onStep('reaching')
    try {
      const link = await this.deps.connect(this.stored, { signal, onStep })
      const stoodFrom = clock.monotonicMs()
      const reason = await this.hold(link, signal)
      return { reason, stoodMs: clock.monotonicMs() - stoodFrom }
    } catch (reason) {
      return { reason, stoodMs: 0 }
    }
  }

  private async hold(link: DaemonLink, signal: AbortSignal): Promise<PilothouseError> {
    const { clock } = this.deps
    if (signal.aborted) {
      link.dispose()
      return new PilothouseError('cancelled', 'The connection was closed.')
    }
    this.link = link
    const { info: daemon, clockOffsetMs } = link
    this.set({ kind: 'connected', since: clock.now(), daemon, clockOffsetMs, confirmedAt: clock.now() })
    const subscription = new AbortController()
    const bounded = AbortSignal.any([signal, subscription.signal])
    const brokenOff = new Promise<PilothouseError>((resolve) => (this.breakOff = resolve))
    const offset = this.offsetWatch(link, bounded)
    try {
      const following = follow(link, {
        clock,
        context: this.context(),
        signal: bounded,
        cursor: () => this.book.cursor,
        take: (event) => {
          if (bounded.aborted) return
          if ('activityHead' in event) this.deps.noteHead?.(this.stored.id, event.activityHead)
          this.confirm(this.book.apply(event))
          if (event.type === 'confirmed' && this.connection.kind === 'connected')
            offset.heard(event.now, this.connection.clockOffsetMs)
        },
      })
      return await Promise.race([brokenOff, following])
    } finally {
      subscription.abort()
      if (this.link === link) this.dropLink()
      else link.dispose()
    }
  }

  /** Whatever is aged by the clocks' difference needs it as it is now, not as it was when the link came up. */
  private offsetWatch(link: DaemonLink, signal: AbortSignal): OffsetWatch {
    const onMeasured = (clockOffsetMs: number): void => {
      const { connection } = this
      if (this.link === link && connection.kind === 'connected') this.set({ ...connection, clockOffsetMs })
    }
    const ask = () => link.client.hello({}, { context: this.context(), signal })
    return new OffsetWatch({ clock: this.deps.clock, ask, onMeasured })
  }

  private confirm(event: FleetEvent | null): void {
    if (event === null) return
    if (this.connection.kind === 'connected') {
      this.connection = { ...this.connection, confirmedAt: this.book.confirmedAt ?? this.connection.confirmedAt }
    }
    this.deps.emit(event)
  }

  /** Waits before the next attempt; false when somebody asked for it, and the count begins anew. */
  private async rest(reason: unknown, attempt: number, signal: AbortSignal): Promise<boolean> {
    const { clock, random } = this.deps
    const error =
      reason instanceof PilothouseError
        ? reason
        : new PilothouseError('internal', 'The console failed while connecting.', { cause: reason })
    const since = clock.now()
    const key = presentedKeyOf(error)
    const woken = this.woken(signal)
    const release = this.wakeUp
    if (error.code === 'host_key_unknown' && key !== null) this.set({ kind: 'awaiting_trust', since, key })
    else if (!error.retryable) this.set({ kind: 'refused', since, failure: error.toFailure(), key })
    else {
      const delayMs = backoffMs(attempt, random.fraction(), BACKOFF)
      this.set({ kind: 'retrying', since, attempt, nextAt: since + delayMs, failure: error.toFailure() })
      return this.sleepUnless(woken, delayMs).finally(release)
    }
    return woken
  }

  /** Resolves with false when somebody asks for the next attempt, or `signal` ends it all. */
  private woken(signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const wake = (): void => {
        signal.removeEventListener('abort', wake)
        resolve(false)
      }
      this.wakeUp = wake
      signal.addEventListener('abort', wake, { once: true })
    })
  }

  private async sleepUnless(woken: Promise<boolean>, delayMs: number): Promise<boolean> {
    const timer = new AbortController()
    const slept = this.deps.clock.sleep(delayMs, timer.signal).then(
      () => true,
      () => false,
    )
    return Promise.race([slept, woken]).finally(() => timer.abort())
  }

  private context() {
    return { requestId: newRequestId(this.deps.random), claimedActor: this.deps.claimedActor }
  }

  private set(connection: HostConnection): void {
    this.connection = connection
    this.deps.emit({ type: 'host_changed', host: this.host() })
  }

  private dropLink(): void {
    const { link } = this
    this.link = undefined
    link?.dispose()
  }

  private whyNot(): PilothouseError {
    const { connection } = this
    if (connection.kind === 'refused') return PilothouseError.fromFailure(connection.failure)
    if (connection.kind === 'retrying')
      return PilothouseError.fromFailure({ ...connection.failure, code: 'host_unreachable' })
    if (connection.kind === 'awaiting_trust') {
      return new PilothouseError('host_key_unknown', `The key of ${this.stored.name} has not been accepted yet.`, {
        details: { key: connection.key },
      })
    }
    return new PilothouseError('host_unreachable', `${this.stored.name} is not connected.`)
  }
}
