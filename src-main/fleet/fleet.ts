import type { FleetEvent } from '../../src-shared/contract/app.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Disposable } from '../../src-shared/lib/disposable.ts'
import type { Host, HostTarget } from '../../src-shared/model/host.ts'
import { hostIdSchema, type HostId, type HostName } from '../../src-shared/model/ids.ts'
import type { HostStore } from '../store/host-store.ts'
import { Feed } from './feed.ts'
import { HostSession, type SessionDeps } from './host-session.ts'

export interface FleetDeps extends Omit<SessionDeps, 'emit'> {
  readonly hosts: HostStore
}

/** All hosts of this console. Each has its own session; none waits for another. */
export class Fleet implements Disposable {
  private readonly deps: FleetDeps
  private readonly feed = new Feed()
  private readonly sessions = new Map<HostId, HostSession>()

  constructor(deps: FleetDeps) {
    this.deps = deps
    for (const stored of deps.hosts.list()) this.sessions.set(stored.id, this.sessionOf(stored))
  }

  /** Connects every host that nobody disconnected. */
  start(): void {
    for (const { id, isWanted } of this.deps.hosts.list()) {
      if (isWanted) this.sessions.get(id)?.connect()
    }
  }

  list(): Host[] {
    return [...this.sessions.values()].map((session) => session.host()).sort((a, b) => a.name.localeCompare(b.name))
  }

  watch(signal?: AbortSignal): AsyncGenerator<FleetEvent, void> {
    return this.feed.watch(() => this.snapshot(), signal)
  }

  /** Throws `not_found`. */
  session(id: HostId): HostSession {
    const session = this.sessions.get(id)
    if (session === undefined) throw new PilothouseError('not_found', `This console knows no host ${id}.`)
    return session
  }

  /** Throws `name_taken`. */
  add(name: HostName, target: HostTarget): Host {
    const { hosts, random, clock } = this.deps
    const id = hostIdSchema.parse(`host-${random.hex(4)}`)
    const session = this.sessionOf(hosts.add({ id, name, target }, clock.now()))
    this.sessions.set(id, session)
    session.connect()
    return session.host()
  }

  /** Forgets the host and everything cached of it; nothing happens on the host. */
  remove(id: HostId): void {
    this.session(id).discard()
    this.sessions.delete(id)
    this.deps.hosts.remove(id)
    this.feed.emit({ type: 'host_removed', hostId: id })
  }

  connect(id: HostId): Host {
    const session = this.session(id)
    this.deps.hosts.setWanted(id, true)
    session.connect()
    return session.host()
  }

  disconnect(id: HostId): Host {
    const session = this.session(id)
    this.deps.hosts.setWanted(id, false)
    session.disconnect()
    return session.host()
  }

  /** Pins the key that the host waits with; any other fingerprint is refused with `host_key_changed`. */
  acceptKey(id: HostId, fingerprint: string): Host {
    const session = this.session(id)
    const { connection } = session.host()
    if (connection.kind !== 'awaiting_trust') {
      throw new PilothouseError('invalid_request', 'The host does not wait for its key to be accepted.')
    }
    if (connection.key.fingerprint !== fingerprint) {
      throw new PilothouseError('host_key_changed', 'The host presents another key than the one that was accepted.')
    }
    session.update(this.deps.hosts.pin(id, connection.key))
    session.connect()
    return session.host()
  }

  /** The machine woke up or its network changed. */
  wake(): void {
    for (const session of this.sessions.values()) session.wake()
  }

  dispose(): void {
    for (const session of this.sessions.values()) session.dispose()
    this.sessions.clear()
  }

  private sessionOf(
    stored: Parameters<HostStore['add']>[0] & { pinnedKey: Host['pinnedKey']; isWanted: boolean },
  ): HostSession {
    const { hosts, connect } = this.deps
    return new HostSession(stored, {
      ...this.deps,
      // As it is remembered now: another process of this console may have pinned its key.
      connect: (known, options) => connect(hosts.get(known.id) ?? known, options),
      emit: (event) => this.feed.emit(event),
    })
  }

  private snapshot(): FleetEvent {
    const states = [...this.sessions.values()].map((session) => session.state())
    return { type: 'snapshot', hosts: this.list(), states }
  }
}
