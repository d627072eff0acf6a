import { inject, shallowRef, type InjectionKey, type ShallowRef } from 'vue'
import type { CallContext } from '../src-shared/contract/client.ts'
import type { ConsoleTarget } from '../src-shared/contract/console-stream.ts'
import { PilothouseError, type Failure } from '../src-shared/error.ts'
import { backoffMs } from '../src-shared/lib/backoff.ts'
import type { MessageChannelLike } from '../src-shared/lib/message-channel.ts'
import type { HostId, RequestId } from '../src-shared/model/ids.ts'
import { newRequestId } from './lib/ids.ts'
import type { AppClient } from './transport.ts'

/** The two ways out of the renderer; `transport.ts` is the real one, tests bring their own. */
export interface Transport {
  connectApp(): Promise<{ client: AppClient; closed: Promise<string> }>
  openConsoleChannel(host: HostId, target: ConsoleTarget): Promise<MessageChannelLike>
}

/** The link to the console's own main process. */
export type LinkState =
  | { readonly kind: 'connecting' }
  | { readonly kind: 'open'; readonly client: AppClient }
  | { readonly kind: 'lost'; readonly reason: string; readonly nextAt: number }

export interface CallOptions {
  /** The host that a daemon call is for. */
  readonly hostId?: HostId
  /** Minted at the click where the click started more than this call. */
  readonly requestId?: RequestId
}

const RECONNECT = { firstMs: 250, capMs: 5000 }

/** The renderer's one way to main. Keeps connecting until it is disposed; a call is never repeated by itself. */
export class Api {
  readonly link: ShallowRef<LinkState> = shallowRef({ kind: 'connecting' })
  private readonly transport: Transport
  private isDisposed = false
  private wake: () => void = () => undefined

  constructor(transport: Transport) {
    this.transport = transport
  }

  /** Connects, and connects again after every loss. `onOpen` is called with each new client. */
  async run(onOpen: (client: AppClient) => void): Promise<void> {
    for (let attempt = 1; !this.isDisposed; attempt += 1) {
      const reason = await this.connectOnce((client) => {
        attempt = 0
        onOpen(client)
      })
      await this.pause(reason, attempt + 1)
    }
  }

  /** One call with its own request id. Rejects with a PilothouseError only. */
  async call<T>(
    ask: (client: AppClient, options: { context: CallContext }) => Promise<T>,
    options: CallOptions = {},
  ): Promise<T> {
    const requestId = options.requestId ?? newRequestId()
    const link = this.link.value
    if (link.kind !== 'open') {
      throw new PilothouseError('host_unreachable', "The console's main process is not answering.", {
        requestId,
        hint: 'Wait until it is connected again, or restart Pilothouse.',
      })
    }
    const context = { requestId, ...(options.hostId === undefined ? {} : { hostId: options.hostId }) }
    return await ask(link.client, { context })
  }

  openConsole(host: HostId, target: ConsoleTarget): Promise<MessageChannelLike> {
    return this.transport.openConsoleChannel(host, target)
  }

  /** Tries again now instead of at the next attempt. */
  reconnectNow(): void {
    this.wake()
  }

  dispose(): void {
    this.isDisposed = true
    this.wake()
  }

  private async connectOnce(onOpen: (client: AppClient) => void): Promise<string> {
    try {
      const { client, closed } = await this.transport.connectApp()
      this.link.value = { kind: 'open', client }
      onOpen(client)
      return await closed
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  private async pause(reason: string, attempt: number): Promise<void> {
    if (this.isDisposed) return
    const delayMs = backoffMs(attempt, Math.random(), RECONNECT)
    this.link.value = { kind: 'lost', reason, nextAt: Date.now() + delayMs }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, delayMs)
      this.wake = () => {
        clearTimeout(timer)
        resolve()
      }
    })
  }
}

export const API: InjectionKey<Api> = Symbol('api')

export function useApi(): Api {
  const api = inject(API)
  if (api === undefined) throw new Error('The app provides no API.')
  return api
}

/** Whatever was thrown, as a failure to show. Only a defect of ours is anything but a PilothouseError. */
export function failureOf(error: unknown): Failure {
  if (error instanceof PilothouseError) return error.toFailure()
  const message = error instanceof Error ? error.message : String(error)
  return new PilothouseError('internal', message).toFailure()
}
