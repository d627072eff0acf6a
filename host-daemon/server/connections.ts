import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Role } from '../../src-shared/model/role.ts'
import type { Logger } from '../logging/logger.ts'
import type { UserNames } from '../system/accounts.ts'
import { peerCredentialsOf } from '../system/peer-credentials.ts'
import type { ConnectionPeer } from './caller-context.ts'

/** How long a connection that is one too many may take to ask, to be told so, in milliseconds; and how many may. */
const REFUSED_MS = 1_000
const MOST_REFUSED = 32

export interface ConnectionsOptions {
  readonly role: Role
  readonly maxConnections: number
  readonly users: UserNames
  readonly logger: Logger
}

/** Who is connected to one role's socket: bounded in number, and each named by the kernel. */
export class Connections {
  private readonly options: ConnectionsOptions
  private readonly open = new Set<Socket>()
  private readonly refused = new Set<Duplex>()
  private readonly peers = new WeakMap<Duplex, Promise<ConnectionPeer>>()

  constructor(options: ConnectionsOptions) {
    this.options = options
  }

  /** Takes a new connection in, or marks it as one too many, or ends it when nobody knows whose it is. */
  admit(socket: Socket): void {
    socket.on('error', () => undefined)
    const isTooMany = this.open.size - this.refused.size >= this.options.maxConnections
    // One that is too many is told so when it asks; but of those there are not endlessly many either.
    if (isTooMany && this.refused.size >= MOST_REFUSED) {
      socket.destroy()
      return
    }
    this.open.add(socket)
    socket.once('close', () => this.forget(socket))
    if (isTooMany) this.refuse(socket)
    else this.identify(socket)
  }

  isRefused(socket: Duplex): boolean {
    return this.refused.has(socket)
  }

  /** Undefined for a connection that was not admitted: it must not be served. */
  async peerOf(socket: Duplex): Promise<ConnectionPeer | undefined> {
    return await this.peers.get(socket)
  }

  cutAll(): void {
    for (const socket of this.open) socket.destroy()
  }

  private forget(socket: Socket): void {
    this.open.delete(socket)
    this.refused.delete(socket)
  }

  private refuse(socket: Socket): void {
    this.options.logger.warn({ maxConnections: this.options.maxConnections }, 'connection refused: too many')
    this.refused.add(socket)
    socket.setTimeout(REFUSED_MS, () => socket.destroy())
  }

  private identify(socket: Socket): void {
    const { role, users, logger } = this.options
    try {
      const { uid, pid } = peerCredentialsOf(socket)
      this.peers.set(
        socket,
        users.nameOf(uid).then((user) => ({ role, uid, user, pid })),
      )
      logger.debug({ uid, pid }, 'connected')
    } catch (error) {
      logger.warn({ err: error }, 'connection refused: the kernel does not say whose it is')
      socket.destroy()
    }
  }
}
