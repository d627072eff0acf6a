import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createBridge, type Bridge } from '../../src-main/bridge/bridge.ts'
import { createConsoleCore, type ConsoleCore } from '../../src-main/index.ts'
import { channelClient } from '../../src-main/lib/rpc-channel.ts'
import { appContract, type HostState } from '../../src-shared/contract/app.ts'
import { ChannelEvents, type MessageChannelLike } from '../../src-shared/lib/message-channel.ts'
import type { Host, HostConnection } from '../../src-shared/model/host.ts'
import { requestIdSchema, type HostId } from '../../src-shared/model/ids.ts'
import { environmentSample } from './contract-samples.ts'
import { LoopbackSshd } from './loopback-sshd.ts'
import { ToyDaemon } from './toy-daemon.ts'
import { waitFor } from './wait-for.ts'

/** Two ends of one channel in this process. */
export function channelPair(): [MessageChannelLike, MessageChannelLike] {
  const [left, right] = [new ChannelEvents(), new ChannelEvents()]
  const end = (own: ChannelEvents, other: ChannelEvents): MessageChannelLike => ({
    send: (message) => {
      if (own.isClosed) throw new Error('closed')
      queueMicrotask(() => other.deliver(message))
    },
    onMessage: (listener) => own.listen(listener),
    onClose: (listener) => own.onClose(listener),
    close: (reason = '') => {
      own.closed(reason)
      queueMicrotask(() => other.closed(reason))
    },
  })
  return [end(left, right), end(right, left)]
}

export const requestId = requestIdSchema.parse('req-00000000000000ff')
export const context = { requestId }

/** A whole console without a window, and one host behind a real sshd with a toy daemon. */
export class ConsoleBench {
  readonly sshd: LoopbackSshd
  readonly daemon: ToyDaemon
  core!: ConsoleCore
  private bridge!: Bridge
  private readonly dataDirectory: string

  private constructor(sshd: LoopbackSshd, daemon: ToyDaemon, dataDirectory: string) {
    this.sshd = sshd
    this.daemon = daemon
    this.dataDirectory = dataDirectory
    this.openCore()
  }

  static async start(): Promise<ConsoleBench> {
    const sshd = await LoopbackSshd.start()
    await sshd.trust()
    const daemon = await ToyDaemon.start(sshd.sockets)
    return new ConsoleBench(sshd, daemon, await mkdtemp(join(tmpdir(), 'pilothouse-data-')))
  }

  async dispose(): Promise<void> {
    this.core.dispose()
    await this.daemon.stop()
    await this.sshd.dispose()
    await rm(this.dataDirectory, { recursive: true, force: true })
  }

  /** As the console being quit and started again. */
  restartCore(): void {
    this.core.dispose()
    this.openCore()
  }

  client() {
    const [ours, theirs] = channelPair()
    this.bridge.acceptRpc(theirs)
    return channelClient(appContract, ours)
  }

  rpcChannel(): MessageChannelLike {
    const [ours, theirs] = channelPair()
    this.bridge.acceptRpc(theirs)
    return ours
  }

  console(query: string): MessageChannelLike {
    const [ours, theirs] = channelPair()
    this.bridge.acceptConsole(theirs, query)
    return ours
  }

  connectionOf(id: HostId): HostConnection {
    return this.core.fleet.session(id).host().connection
  }

  stateOf(id: HostId): HostState {
    return this.core.fleet.session(id).state()
  }

  /** Waits for a kind of connection and answers with it. */
  reached<Kind extends HostConnection['kind']>(id: HostId, kind: Kind, timeoutMs = 15_000) {
    const look = () => {
      const found = this.connectionOf(id)
      return found.kind === kind ? (found as Extract<HostConnection, { kind: Kind }>) : undefined
    }
    return waitFor(`the connection to be ${kind}`, look, timeoutMs)
  }

  addHost(): Promise<Host> {
    return this.client().hosts.add({ name: 'lab', target: this.sshd.target() }, { context })
  }

  async connectedHost(): Promise<HostId> {
    const { id } = await this.addHost()
    await this.reached(id, 'connected')
    return id
  }

  emitNamed(name: string): void {
    this.daemon.emit({ type: 'environment_changed', environment: { ...environmentSample, name: name as never } })
  }

  private openCore(): void {
    const { dataDirectory, sshd } = this
    this.core = createConsoleCore({ dataDirectory, shell: 'web', version: '0.0.0', ssh: sshd.environment() })
    this.bridge = createBridge(this.core)
  }
}
