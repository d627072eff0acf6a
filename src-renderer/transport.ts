import type { ClientLink } from '@orpc/client'
import { RPCLink } from '@orpc/client/message-port'
import type { ContractRouterClient } from '@orpc/contract'
import { appContract, BRIDGE_RPC_PATH, type AppContract } from '../src-shared/contract/app.ts'
import { createContractClient, linkOptionsFor, type CallContext } from '../src-shared/contract/client.ts'
import { CONSOLE_STREAM_PATH, type ConsoleTarget } from '../src-shared/contract/console-stream.ts'
import { CHANNEL_LOST, ChannelEvents, cutReason, type MessageChannelLike } from '../src-shared/lib/message-channel.ts'
import { PilothouseError } from '../src-shared/error.ts'
import type { HostId } from '../src-shared/model/ids.ts'

/** What the sandboxed preload exposes; the port arrives as a window message that carries the id. */
interface PreloadBridge {
  openRpc(channelId: string): void
  openConsole(channelId: string, query: string): void
}
declare global {
  interface Window {
    readonly pilothouse?: PreloadBridge
  }
}

export type AppClient = ContractRouterClient<AppContract, CallContext>

const TOKEN_KEY = 'pilothouse-token'
const PROTOCOL = 'pilothouse'

/** The web shell's per-launch token: taken out of the address once, kept for this tab's reloads. */
function takeLaunchToken(): string {
  const found = new URLSearchParams(location.search).get('token')
  if (found === null) return sessionStorage.getItem(TOKEN_KEY) ?? ''
  sessionStorage.setItem(TOKEN_KEY, found)
  history.replaceState(null, '', location.pathname + location.hash)
  return found
}
// Before any router reads the address.
const launchToken = window.pilothouse === undefined ? takeLaunchToken() : ''

function overPort(port: MessagePort): MessageChannelLike {
  const events = new ChannelEvents()
  const end = (reason: string): void => {
    port.close()
    events.closed(reason)
  }
  port.addEventListener('message', ({ data }: MessageEvent<unknown>) => {
    if (typeof data === 'string' || data instanceof Uint8Array) events.deliver(data)
    else end((data as { closed: string }).closed)
  })
  port.addEventListener('close', () => end(CHANNEL_LOST))
  port.start()
  return {
    send: (message) => {
      if (events.isClosed) throw new Error('The channel is closed.')
      port.postMessage(message)
    },
    onMessage: (listener) => events.listen(listener),
    onClose: (listener) => events.onClose(listener),
    close: (reason = '') => {
      if (!events.isClosed) port.postMessage({ closed: reason })
      end(reason)
    },
  }
}

function overWebSocket(socket: WebSocket): MessageChannelLike {
  const events = new ChannelEvents()
  socket.addEventListener('message', ({ data }: MessageEvent<string | ArrayBuffer>) =>
    events.deliver(typeof data === 'string' ? data : new Uint8Array(data)),
  )
  socket.addEventListener('close', ({ reason }) => events.closed(reason === '' ? CHANNEL_LOST : reason))
  return {
    send: (message) => {
      if (socket.readyState !== WebSocket.OPEN) throw new Error('The channel is closed.')
      socket.send(message as Uint8Array<ArrayBuffer> | string)
    },
    onMessage: (listener) => events.listen(listener),
    onClose: (listener) => events.onClose(listener),
    close: (reason = '') => {
      socket.close(1000, cutReason(reason))
      events.closed(reason)
    },
  }
}

/** In Electron: main's end of the port may still refuse; then the channel closes with the reason. */
function openPort(bridge: PreloadBridge, path: string, query: string): Promise<MessageChannelLike> {
  const channelId = crypto.randomUUID()
  return new Promise((resolve) => {
    const receive = (event: MessageEvent<{ pilothouseChannel?: unknown } | null>): void => {
      const [port] = event.ports
      if (event.source !== window || event.data?.pilothouseChannel !== channelId || port === undefined) return
      window.removeEventListener('message', receive)
      resolve(overPort(port))
    }
    window.addEventListener('message', receive)
    if (path === CONSOLE_STREAM_PATH) bridge.openConsole(channelId, query)
    else bridge.openRpc(channelId)
  })
}

function openWebSocket(path: string, query: string): Promise<MessageChannelLike> {
  const scheme = location.protocol === 'https:' ? 'wss:' : 'ws:'
  const address = `${scheme}//${location.host}${path}${query === '' ? '' : `?${query}`}`
  const socket = new WebSocket(address, [PROTOCOL, `token.${launchToken}`])
  socket.binaryType = 'arraybuffer'
  const channel = overWebSocket(socket)
  return new Promise((resolve, reject) => {
    socket.addEventListener('open', () => resolve(channel), { once: true })
    channel.onClose((reason) => reject(new Error(reason)))
  })
}

/** Opens a channel to main, whichever shell this is: `/rpc`, or `/console?…`. Rejects when main cannot be reached. */
export function openChannel(address: string): Promise<MessageChannelLike> {
  const [path = '', query = ''] = address.split('?', 2)
  return window.pilothouse === undefined ? openWebSocket(path, query) : openPort(window.pilothouse, path, query)
}

/**
 * Opens one console of one host. The stream speaks `ConsoleRequest`/`ConsoleNotice`; a refusal is an `error` notice
 * followed by the close. After a close, open again with `bootId` and the next offset needed.
 */
export function openConsoleChannel(host: HostId, target: ConsoleTarget): Promise<MessageChannelLike> {
  const query = new URLSearchParams({ host, environment: target.environment })
  if (target.bootId !== undefined) query.set('bootId', target.bootId)
  if (target.offset !== undefined) query.set('offset', String(target.offset))
  return openChannel(`${CONSOLE_STREAM_PATH}?${query.toString()}`)
}

/**
 * The channel as oRPC's adapter wants it. The library answers an abort on a closed channel with a throw that nobody
 * can catch; here such a message is dropped, and calls are refused before it.
 */
function rpcPortOf(channel: MessageChannelLike) {
  return {
    onMessage: { addListener: (listener: (message: unknown) => void) => channel.onMessage(listener) },
    onDisconnect: { addListener: (listener: () => void) => channel.onClose(() => listener()) },
    postMessage: (message: unknown) => {
      try {
        channel.send(message as string)
      } catch {
        // Closed: every call under way has been ended by the close.
      }
    },
  }
}

/** The app contract's client over one channel; `closed` resolves with the reason when that channel has ended. */
export async function connectApp(): Promise<{ client: AppClient; closed: Promise<string> }> {
  const channel = await openChannel(BRIDGE_RPC_PATH)
  let isClosed = false
  const closed = new Promise<string>((resolve) =>
    channel.onClose((reason) => {
      isClosed = true
      resolve(reason)
    }),
  )
  const link = new RPCLink<CallContext>({ port: rpcPortOf(channel), ...linkOptionsFor(appContract) })
  const guarded: ClientLink<CallContext> = {
    call: (path, input, options) => {
      if (!isClosed) return link.call(path, input, options)
      const { requestId } = options.context
      return Promise.reject(new PilothouseError('host_unreachable', CHANNEL_LOST, { requestId }))
    },
  }
  return { client: createContractClient(appContract, guarded), closed }
}
