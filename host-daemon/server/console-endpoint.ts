import type { WebSocket } from 'ws'
import {
  consoleRequestSchema,
  consoleTargetSchema,
  type ConsoleNotice,
  type ConsoleTarget,
} from '../../src-shared/contract/console-stream.ts'
import { PilothouseError } from '../../src-shared/error.ts'
import type { ConsoleService } from '../consoles/console-service.ts'
import type { ConsoleViewer } from '../consoles/console-viewer.ts'
import type { ServedCaller } from './call-guard.ts'
import type { ConsoleEndpoint } from './role-socket.ts'
import { CLOSE, WebSocketChannel } from './web-socket-channel.ts'
import { toPilothouseError } from './wire-error.ts'

/** Refusals that one viewer may earn before it is closed. */
const MOST_REFUSALS = 1_000

/** The console stream on a WebSocket. */
export class WebSocketConsoles implements ConsoleEndpoint {
  private readonly service: ConsoleService

  constructor(service: ConsoleService) {
    this.service = service
  }

  serve(socket: WebSocket, caller: ServedCaller, query: URLSearchParams): void {
    const connection = new ConsoleConnection(socket, caller)
    void connection.serve(() => this.service.open(targetIn(query), caller, connection.channel))
  }
}

class ConsoleConnection {
  readonly channel: WebSocketChannel
  private readonly socket: WebSocket
  private readonly caller: ServedCaller
  private viewer: ConsoleViewer | undefined
  private refusals = 0

  constructor(socket: WebSocket, caller: ServedCaller) {
    this.socket = socket
    this.caller = caller
    // Reading goes on while the viewer is slow to take bytes: its acks and its Ctrl-C are what helps.
    this.channel = new WebSocketChannel(socket, { readsWhileFull: true })
    socket.on('message', (data: Buffer, isBinary) => void this.take(data, isBinary))
    // Nothing is read before there is a console to read it for.
    socket.pause()
    socket.on('close', () => this.viewer?.close())
  }

  /** Ends with the connection; what stops it is told to the viewer first. */
  async serve(open: () => Promise<ConsoleViewer>): Promise<void> {
    const { logger } = this.caller
    try {
      this.viewer = await open()
      const { bootId, environmentId } = this.viewer
      logger.info({ call: 'console', environmentId, bootId, code: 'ok' }, 'console opened')
      if (!this.channel.isOpen) this.viewer.close()
      this.socket.resume()
      await this.viewer.run()
    } catch (thrown) {
      if (!this.channel.isOpen) return
      this.socket.resume()
      const error = this.refuse(thrown)
      logger.info({ call: 'console', code: error.code, reason: error.message }, 'console refused')
      this.channel.close(CLOSE.policy, error.message)
    }
  }

  private async take(data: Buffer, isBinary: boolean): Promise<void> {
    const { viewer } = this
    if (viewer === undefined) return
    try {
      if (isBinary) await viewer.type(data)
      else await viewer.request(requestIn(data))
    } catch (thrown) {
      this.refuse(thrown)
    }
  }

  private refuse(thrown: unknown): PilothouseError {
    const error = toPilothouseError(thrown, this.caller.requestId)
    if (error.code === 'internal') this.caller.logger.error({ err: error.cause ?? error }, 'console failed')
    const notice: ConsoleNotice = { type: 'error', ...error.toFailure() }
    this.channel.send(JSON.stringify(notice)).catch(() => undefined)
    this.refusals += 1
    if (this.refusals > MOST_REFUSALS) this.channel.close(CLOSE.policy, 'too many refused messages')
    return error
  }
}

function targetIn(query: URLSearchParams): ConsoleTarget {
  const target = consoleTargetSchema.safeParse(Object.fromEntries(query))
  if (target.success) return target.data
  const says = target.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`).join('; ')
  throw new PilothouseError('invalid_request', `The console's address is not valid. ${says}`)
}

function requestIn(data: Buffer): Parameters<ConsoleViewer['request']>[0] {
  let json: unknown
  try {
    json = JSON.parse(data.toString('utf8'))
  } catch {
    throw new PilothouseError('invalid_request', 'The message is not JSON; typed bytes go as binary messages.')
  }
  const request = consoleRequestSchema.safeParse(json)
  if (request.success) return request.data
  throw new PilothouseError('invalid_request', 'The message is no request of the console stream.')
}
