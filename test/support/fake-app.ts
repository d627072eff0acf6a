import { StandardRPCHandler } from '@orpc/server/standard'
import { createServerPeerHandleRequestFn } from '@orpc/server/standard-peer'
import { contextOf, type BridgeContext } from '../../src-main/bridge/context.ts'
import { failureOf } from '../../src-main/bridge/wire-error.ts'
import { wireError } from '../../src-shared/contract/wire-error.ts'
import { channelClient, serveChannel } from '../../src-main/lib/rpc-channel.ts'
import {
  appContract,
  bridgeConsoleTargetSchema,
  type FleetEvent,
  type HostState,
} from '../../src-shared/contract/app.ts'
import type { ConsoleNotice } from '../../src-shared/contract/console-stream.ts'
import { PilothouseError, type Failure } from '../../src-shared/error.ts'
import type { MessageChannelLike } from '../../src-shared/lib/message-channel.ts'
import type { BackupStatus } from '../../src-shared/model/backup.ts'
import type { Host, HostConnection } from '../../src-shared/model/host.ts'
import type { Environment, ObservedState } from '../../src-shared/model/environment.ts'
import type { BootId, EnvironmentId, HostId, RequestId } from '../../src-shared/model/ids.ts'
import type { Image } from '../../src-shared/model/image.ts'
import type { Labels } from '../../src-shared/model/labels.ts'
import type { Actor, Operation } from '../../src-shared/model/operation.ts'
import type { Owner } from '../../src-shared/model/owner.ts'
import type { Plan } from '../../src-shared/model/plan.ts'
import { summaryOf, type Startup } from '../../src-shared/model/startup.ts'
import { FakeActivity, type FakeEntry } from './fake-app-activity.ts'
import { FakeBackups } from './fake-app-backups.ts'
import { FakeCommands } from './fake-app-commands.ts'
import { FakeConsole } from './fake-app-console.ts'
import { FakeLeftovers } from './fake-app-leftovers.ts'
import { FakeRestores } from './fake-app-restores.ts'
import { sampleOperation, samplePlan } from './fake-app-samples.ts'
import { channelPair } from './channel-pair.ts'
import { fakeRouter } from './fake-app-router.ts'

export interface FakeCall {
  readonly path: string
  readonly input: unknown
  readonly requestId: RequestId
}

interface NewFakeEnvironment {
  readonly name: string
  readonly owner: string
  readonly image: string
  readonly size?: object | undefined
  readonly labels?: Labels | undefined
  readonly startup?: Startup | undefined
}

interface FakeAppOptions {
  readonly hosts?: readonly Host[]
  readonly states?: readonly HostState[]
  /** The fleet is never told: the screens stay in loading. */
  readonly isSilent?: boolean
}

/**
 * A console's main process that is not one: it answers the app contract from memory, over the same channels, and
 * says what it is told to say. Named fake; nothing in the product may import it.
 */
export class FakeApp {
  readonly hosts = new Map<HostId, Host>()
  readonly states = new Map<HostId, HostState>()
  readonly consoles = new Map<EnvironmentId, FakeConsole[]>()
  readonly commands = new FakeCommands(this)
  readonly backups = new FakeBackups(this)
  readonly restores = new FakeRestores(this)
  /** Every call in order of arrival. */
  readonly calls: FakeCall[] = []
  readonly activity = new FakeActivity()
  readonly leftovers = new FakeLeftovers()
  owners: Owner[] = []
  images: Image[] = []
  plan: Partial<Plan> = {}
  ticketLivesMs = 300_000
  private readonly isSilent: boolean
  private readonly watchers = new Set<(event: FleetEvent) => void>()
  readonly refusals = new Map<string, PilothouseError>()
  readonly holds = new Map<string, Promise<void>>()
  private readonly channels = new Set<MessageChannelLike>()
  private count = 0x5000

  constructor(options: FakeAppOptions = {}) {
    for (const host of options.hosts ?? []) this.hosts.set(host.id, host)
    for (const state of options.states ?? []) this.states.set(state.hostId, state)
    this.isSilent = options.isSilent === true
    this.owners = [
      { name: 'acme', note: '', isActive: true, limit: 3, environmentCount: 1 },
      { name: 'northwind', note: 'billing and support', isActive: true, limit: 'unlimited', environmentCount: 4 },
      { name: 'retired', note: '', isActive: false, limit: 1, environmentCount: 0 },
    ] as Owner[]
    this.images = [
      { ref: 'minimal@1', fingerprint: 'f'.repeat(64), builtAt: 0, bytes: 41_000_000 },
      { ref: 'python@3.11.2', fingerprint: 'e'.repeat(64), builtAt: 0, bytes: 320_000_000 },
    ] as Image[]
  }

  /** The next call at this path, such as `host.environments.spawn`, is refused. */
  refuse(path: string, error: PilothouseError): void {
    this.refusals.set(path, error)
  }

  /** Calls at this path wait until the returned function is called. */
  hold(path: string): () => void {
    let release: () => void = () => undefined
    this.holds.set(path, new Promise((resolve) => (release = resolve)))
    return () => {
      this.holds.delete(path)
      release()
    }
  }

  emit(event: FleetEvent): void {
    this.remember(event)
    for (const tell of this.watchers) tell(event)
  }

  /** One more entry in a host's record, told with the next confirmation. */
  note(hostId: HostId, entry: FakeEntry = {}): void {
    const activityHead = this.activity.append(hostId, entry)
    const state = this.states.get(hostId) ?? this.emptyState(hostId)
    state.activityHead = activityHead
    this.emit({ type: 'state_confirmed', hostId, confirmedAt: Date.now(), activityHead })
  }

  setConnection(hostId: HostId, connection: HostConnection): void {
    const host = this.hosts.get(hostId)
    if (host !== undefined) this.emit({ type: 'host_changed', host: { ...host, connection } })
  }

  environment(hostId: HostId, id: string): Environment | undefined {
    return this.states.get(hostId)?.environments.find((each) => each.id === id || each.name === id)
  }

  changeEnvironment(hostId: HostId, id: string, change: Partial<Environment>): Environment {
    const before = this.environment(hostId, id)
    if (before === undefined) throw new PilothouseError('not_found', `There is no environment ${id}.`)
    const environment = { ...before, observedAt: Date.now(), ...change }
    this.emit({ type: 'environment_changed', hostId, environment, confirmedAt: Date.now() })
    return environment
  }

  changeOperation(hostId: HostId, id: string, change: Partial<Operation>): Operation {
    const before = this.states.get(hostId)?.operations.find((each) => each.id === id)
    if (before === undefined) throw new PilothouseError('not_found', `There is no operation ${id}.`)
    const operation = { ...before, ...change }
    this.emit({ type: 'operation_changed', hostId, operation })
    return operation
  }

  /** A new boot of an environment, with an empty journal. */
  boot(hostId: HostId, id: EnvironmentId, startedAt = Date.now()): FakeConsole {
    const kept = this.consoles.get(id) ?? []
    const known = this.environment(hostId, id)?.boot ?? null
    const isFirst = kept.length === 0 && known !== null
    const ordinal = isFirst ? known.ordinal : (kept.at(-1)?.ordinal ?? 0) + 1
    const bootId = isFirst ? known.id : (`boot-${this.hex(16)}` as BootId)
    const console = new FakeConsole({ environmentId: id, bootId, ordinal, startedAt })
    this.consoles.set(id, [...kept, console])
    kept.at(-1)?.announce(console.boot())
    this.changeEnvironment(hostId, id, { boot: { id: bootId, ordinal, startedAt } })
    return console
  }

  consoleOf(id: string): FakeConsole {
    const console = this.consoles.get(id as EnvironmentId)?.at(-1)
    if (console === undefined) throw new Error(`The fake has no console for ${id}.`)
    return console
  }

  /** Takes an operation through to its end, and the environment with it. */
  finish(hostId: HostId, operation: Operation, observed: ObservedState | 'removed'): void {
    const endedAt = Date.now()
    if (observed === 'removed') {
      this.emit({ type: 'environment_removed', hostId, environmentId: operation.environmentId })
    } else {
      this.changeEnvironment(hostId, operation.environmentId, { observed, operationId: null })
    }
    this.changeOperation(hostId, operation.id, { status: { kind: 'succeeded', endedAt } })
  }

  /** Ends an operation badly, and leaves the environment as `observed`. */
  fail(
    hostId: HostId,
    operation: Operation,
    { failure, observed }: { failure: Failure; observed?: ObservedState },
  ): void {
    const change = { operationId: null, ...(observed === undefined ? {} : { observed }) }
    this.changeEnvironment(hostId, operation.environmentId, change)
    this.changeOperation(hostId, operation.id, { status: { kind: 'failed', endedAt: Date.now(), failure } })
  }

  /** The newest operation that runs. */
  running(hostId: HostId): Operation {
    const found = this.states.get(hostId)?.operations.findLast((each) => each.status.kind === 'running')
    if (found === undefined) throw new Error('Nothing is running.')
    return found
  }

  operationOf(hostId: HostId, commandId: string): Operation {
    const found = this.states.get(hostId)?.operations.find((each) => each.commandId === commandId)
    if (found === undefined) throw new Error(`No operation came of ${commandId}.`)
    return found
  }

  /** The two ways out of the renderer, ending here, without a socket. */
  transport() {
    return {
      connectApp: () => {
        const [mine, theirs] = channelPair()
        this.acceptRpc(theirs)
        const closed = new Promise<string>((resolve) => mine.onClose(resolve))
        return Promise.resolve({ client: channelClient(appContract, mine), closed })
      },
      openConsoleChannel: (host: HostId, target: object) => {
        const [mine, theirs] = channelPair()
        const query = new URLSearchParams({ host })
        for (const [key, value] of Object.entries(target)) if (value !== undefined) query.set(key, String(value))
        this.acceptConsole(theirs, query.toString())
        return Promise.resolve(mine)
      },
    }
  }

  /** Every channel breaks, as when main dies. */
  cutAll(reason: string): void {
    for (const channel of [...this.channels]) channel.close(reason)
  }

  acceptRpc(channel: MessageChannelLike): void {
    this.channels.add(channel)
    channel.onClose(() => this.channels.delete(channel))
    const mint = () => `req-${this.hex(16)}` as RequestId
    const handler = new StandardRPCHandler<BridgeContext>(fakeRouter(this), {
      interceptors: [
        async (options) => {
          const context = contextOf(options.request.headers, mint)
          try {
            return await options.next({ ...options, context })
          } catch (error) {
            throw wireError(failureOf(error, context.requestId))
          }
        },
      ],
    })
    serveChannel(createServerPeerHandleRequestFn(handler, { context: contextOf({}, mint) }), channel)
  }

  acceptConsole(channel: MessageChannelLike, query: string): void {
    this.channels.add(channel)
    const { host, environment, bootId, offset } = bridgeConsoleTargetSchema.parse(
      Object.fromEntries(new URLSearchParams(query)),
    )
    const consoles = this.consoles.get(environment as EnvironmentId) ?? []
    const console = bootId === undefined ? consoles.at(-1) : consoles.find((each) => each.bootId === bootId)
    if (console !== undefined) {
      console.serve(channel, offset ?? 0, this.actorOf(host))
      return
    }
    const error = new PilothouseError('not_found', 'This environment has no console journal.')
    const notice: ConsoleNotice = { type: 'error', ...error.toFailure() }
    channel.send(JSON.stringify(notice))
    channel.close(error.message)
  }

  hex(digits: number): string {
    this.count += 1
    return this.count.toString(16).padStart(digits, '0')
  }

  private actorOf(hostId: HostId): Actor {
    const connection = this.hosts.get(hostId)?.connection
    if (connection?.kind !== 'connected') throw new PilothouseError('host_unreachable', 'The host is not connected.')
    const { user, uid, role } = connection.daemon
    return { user, uid, role, claimedActor: 'you@desk-1' as Actor['claimedActor'] }
  }

  private remember(event: FleetEvent): void {
    if (event.type === 'host_changed') this.hosts.set(event.host.id, event.host)
    if (event.type === 'host_removed') this.hosts.delete(event.hostId)
    if (event.type === 'state_replaced') this.states.set(event.state.hostId, event.state)
    if (!('hostId' in event)) return
    const state = this.states.get(event.hostId) ?? this.emptyState(event.hostId)
    if (event.type === 'environment_changed') put(state.environments, event.environment)
    if (event.type === 'operation_changed') put(state.operations, event.operation)
    if (event.type === 'backup_changed') putBackup(state.backups, event.backup)
    if (event.type !== 'environment_removed') return
    const index = state.environments.findIndex((each) => each.id === event.environmentId)
    if (index >= 0) state.environments.splice(index, 1)
  }

  private emptyState(hostId: HostId): HostState {
    const nothing = { environments: [], operations: [], backups: [], activityHead: null }
    const state: HostState = { hostId, ...nothing, confirmedAt: Date.now() }
    this.states.set(hostId, state)
    return state
  }

  async *watch(signal: AbortSignal | undefined): AsyncGenerator<FleetEvent> {
    const queue: FleetEvent[] = []
    let wake: () => void = () => undefined
    const tell = (event: FleetEvent): void => {
      queue.push(event)
      wake()
    }
    this.watchers.add(tell)
    signal?.addEventListener('abort', () => wake(), { once: true })
    try {
      if (!this.isSilent) yield { type: 'snapshot', hosts: [...this.hosts.values()], states: [...this.states.values()] }
      while (signal?.aborted !== true) {
        const event = queue.shift()
        if (event !== undefined) yield event
        else await new Promise<void>((resolve) => (wake = resolve))
      }
    } finally {
      this.watchers.delete(tell)
    }
  }

  begin(hostId: HostId, environment: Environment, change: Partial<Operation>): Operation {
    const operation = this.accepted(hostId, environment, change)
    const claimed = { ...environment, operationId: operation.id }
    this.emit({ type: 'environment_changed', hostId, environment: claimed, confirmedAt: Date.now() })
    this.emit({ type: 'operation_changed', hostId, operation })
    return operation
  }

  /** An operation that claims nothing of the environment for itself, such as a backup. */
  beginAside(hostId: HostId, environment: Environment, change: Partial<Operation>): Operation {
    const operation = this.accepted(hostId, environment, change)
    this.emit({ type: 'operation_changed', hostId, operation })
    return operation
  }

  private accepted(hostId: HostId, environment: Environment, change: Partial<Operation>): Operation {
    return sampleOperation(0, environment, {
      id: `op-${this.hex(16)}` as Operation['id'],
      actor: this.actorOf(hostId),
      status: { kind: 'running' },
      step: 'accept',
      stepIndex: 0,
      phase: null,
      attempt: null,
      isCancellable: true,
      requestedAt: Date.now(),
      ...change,
    })
  }

  newEnvironment(input: NewFakeEnvironment): Environment {
    const now = Date.now()
    return {
      id: `env-${this.hex(8)}`,
      name: input.name,
      owner: input.owner,
      image: input.image,
      driver: 'fake',
      size: { cpus: 1, memoryMiB: 512, homeMiB: 1024, ...input.size },
      desired: 'running',
      observed: { kind: 'creating', since: now, phase: 'requested' },
      observedAt: now,
      generation: 1,
      isProtected: false,
      labels: input.labels ?? {},
      startup: input.startup === undefined ? null : summaryOf(input.startup),
      quarantine: null,
      home: { id: `home-${this.hex(16)}`, sizeMiB: 1024, madeAt: null, goneAt: null },
      boot: null,
      operationId: null,
      createdAt: now,
    } as Environment
  }

  planFor(environment: Environment, kind: 'destroy' | 'reset' = 'destroy'): Plan {
    return { ...samplePlan(environment, kind), ...this.plan }
  }
}

function putBackup(list: BackupStatus[], item: BackupStatus): void {
  const index = list.findIndex((each) => each.environmentId === item.environmentId)
  if (index < 0) list.push(item)
  else list[index] = item
}

function put<T extends { id: string }>(list: T[], item: T): void {
  const index = list.findIndex((each) => each.id === item.id)
  if (index < 0) list.push(item)
  else list[index] = item
}
