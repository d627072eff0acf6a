import type { Duplex } from 'node:stream'
import type { ContractRouterClient } from '@orpc/contract'
import { CLAIMED_ACTOR_HEADER, type CallContext } from '../../src-shared/contract/client.ts'
import { BRIDGE_RPC_PATH } from '../../src-shared/contract/app.ts'
import { CONSOLE_STREAM_PATH, type ConsoleTarget } from '../../src-shared/contract/console-stream.ts'
import { daemonContract, type DaemonContract } from '../../src-shared/contract/daemon.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { Clock, RandomSource } from '../../src-shared/lib/clock.ts'
import { DisposableStore, type Disposable } from '../../src-shared/lib/disposable.ts'
import type { MessageChannelLike } from '../../src-shared/lib/message-channel.ts'
import { PROTOCOL_VERSION, type DaemonInfo } from '../../src-shared/model/daemon.ts'
import type { HostKey, HostTarget } from '../../src-shared/model/host.ts'
import { requestIdSchema, type ClaimedActor, type RequestId } from '../../src-shared/model/ids.ts'
import { openSshLink } from '../ssh/connect.ts'
import type { SshEnvironment } from '../ssh/environment.ts'
import { channelClient } from '../lib/rpc-channel.ts'
import { openLocalSocket, upgrade } from './daemon-socket.ts'
import { findDaemon, protocolMismatch } from './find-daemon.ts'
import { measureOffset } from './offset-watch.ts'

export type DaemonClient = ContractRouterClient<DaemonContract, CallContext>

/** A connection to one daemon. It does not come back by itself; `ended` says when and why it is over. */
export interface DaemonLink extends Disposable {
  readonly client: DaemonClient
  /** The daemon's answer to `hello`. */
  readonly info: DaemonInfo
  /** Daemon's clock − ours, milliseconds, as good as the time that `hello` took. */
  readonly clockOffsetMs: number
  /** Never rejects. */
  readonly ended: Promise<PilothouseError>
  /** Opens one console stream beside the calls. */
  openConsole(target: ConsoleTarget, signal?: AbortSignal): Promise<MessageChannelLike>
}

export interface LinkDeps {
  readonly clock: Clock
  readonly random: RandomSource
  readonly claimedActor: ClaimedActor
  readonly signal?: AbortSignal | undefined
}

export type ConnectStep = 'reaching' | 'authenticating' | 'finding_daemon' | 'greeting'

export interface ConnectDeps extends LinkDeps {
  readonly environment: SshEnvironment
  readonly pinnedKey: HostKey | null
  readonly onStep?: (step: ConnectStep) => void
}

export function newRequestId(random: RandomSource): RequestId {
  return requestIdSchema.parse(`req-${random.hex(8)}`)
}

function headersOf({ claimedActor }: LinkDeps): Record<string, string> {
  return { [CLAIMED_ACTOR_HEADER]: encodeURIComponent(claimedActor) }
}

function consolePath(target: ConsoleTarget): string {
  const query = new URLSearchParams({ environment: target.environment })
  if (target.bootId !== undefined) query.set('bootId', target.bootId)
  if (target.offset !== undefined) query.set('offset', String(target.offset))
  return `${CONSOLE_STREAM_PATH}?${query.toString()}`
}

interface Wires {
  readonly hostName: string
  /** The stream for the calls; further ones come from `openStream`. */
  readonly stream: Duplex
  readonly openStream: () => Promise<Duplex>
  /** Why the connection below is over, where there is one. */
  readonly below: Promise<PilothouseError> | undefined
  readonly disposal: DisposableStore
}

/** The stream may end a moment before the connection below says why. */
const REASON_WAIT_MS = 1_000

function endedOf(channel: MessageChannelLike, wires: Wires, clock: Clock): Promise<PilothouseError> {
  const lost = new PilothouseError('host_unreachable', `The daemon on ${wires.hostName} closed the connection.`)
  const closed = new Promise<PilothouseError>((resolve) => {
    channel.onClose(() => {
      if (wires.below === undefined) resolve(lost)
      else void Promise.race([wires.below, clock.sleep(REASON_WAIT_MS).then(() => lost)]).then(resolve)
    })
  })
  return wires.below === undefined ? closed : Promise.race([wires.below, closed])
}

async function greet(client: DaemonClient, deps: LinkDeps, hostName: string) {
  const context = { requestId: newRequestId(deps.random), claimedActor: deps.claimedActor }
  const options = deps.signal === undefined ? { context } : { context, signal: deps.signal }
  const greeting = await measureOffset(deps.clock, () => client.hello({ protocol: PROTOCOL_VERSION }, options))
  const info = greeting.answer
  if (info.protocol !== PROTOCOL_VERSION) throw protocolMismatch(info.protocol, hostName)
  return { info, clockOffsetMs: greeting.offsetMs }
}

/** The server says only that a channel was not opened; where the connection itself is over, that is the reason. */
async function furtherStream({ openStream, hostName }: Wires): Promise<Duplex> {
  try {
    return await openStream()
  } catch (error) {
    if (error instanceof PilothouseError) throw error
    const says = `The daemon's socket on ${hostName} could not be opened once more.`
    throw new PilothouseError('host_unreachable', says, { cause: error })
  }
}

async function linkOver(wires: Wires, deps: LinkDeps): Promise<DaemonLink> {
  const headers = headersOf(deps)
  const channel = await upgrade(wires.stream, BRIDGE_RPC_PATH, { headers, signal: deps.signal })
  wires.disposal.defer(() => channel.close())
  const ended = endedOf(channel, wires, deps.clock)
  const client = channelClient(daemonContract, channel)
  const greeting = await greet(client, deps, wires.hostName)
  return {
    client,
    ...greeting,
    ended,
    openConsole: async (target, signal) =>
      upgrade(await furtherStream(wires), consolePath(target), { headers, signal }),
    dispose: () => wires.disposal.dispose(),
  }
}

/**
 * Connects to the daemon of a host over SSH and greets it. Throws one `PilothouseError` with the sentence of the step
 * that failed. The caller disposes the link.
 */
export async function connectDaemon(target: HostTarget, deps: ConnectDeps): Promise<DaemonLink> {
  const { environment, pinnedKey, onStep, signal = new AbortController().signal } = deps
  const disposal = new DisposableStore()
  try {
    const ssh = await openSshLink(target, {
      environment,
      pinnedKey,
      signal,
      ...(onStep === undefined ? {} : { onStep }),
    })
    disposal.add(ssh)
    const giveUp = (): void => disposal.dispose()
    signal.addEventListener('abort', giveUp, { once: true })
    disposal.defer(() => signal.removeEventListener('abort', giveUp))
    onStep?.('finding_daemon')
    const { path, stream } = await findDaemon(ssh, target.socketDirectory)
    onStep?.('greeting')
    const hostName = ssh.target.host
    return await linkOver(
      { hostName, stream, openStream: () => ssh.openUnixSocket(path), below: ssh.ended, disposal },
      deps,
    )
  } catch (error) {
    disposal.dispose()
    throw error
  }
}

/** Connects to a daemon's socket on this machine and greets it, as `connectDaemon` does. */
export async function connectDaemonSocket(path: string, deps: LinkDeps): Promise<DaemonLink> {
  const disposal = new DisposableStore()
  const openStream = (): Promise<Duplex> => openLocalSocket(path)
  try {
    return await linkOver(
      { hostName: 'this machine', stream: await openStream(), openStream, below: undefined, disposal },
      deps,
    )
  } catch (error) {
    disposal.dispose()
    throw error
  }
}
